//! Listening sockets: `/proc/net/{tcp,tcp6,udp,udp6}` joined with the descriptors of processes by socket inode.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use patchwright_domain::inventory::Listener;

use crate::look::Look;
use crate::procfs::{self, Seen};
use crate::root::Root;

/// Largest table read: 100,000 connections have about 15 MiB of lines.
const TABLE_MAX: u64 = 64 << 20;

/// Listeners reported; a host with more is a test rig.
const LISTENERS_MAX: usize = 20_000;

/// Descriptors looked at per process.
const DESCRIPTORS_MAX: usize = 100_000;

/// TCP state `LISTEN` in `/proc/net/tcp` (`include/net/tcp_states.h`).
const TCP_LISTEN: &str = "0A";

/// UDP sockets without a peer carry TCP's `CLOSE` there: they receive from anybody.
const UDP_UNCONNECTED: &str = "07";

/// One row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    protocol: &'static str,
    address: IpAddr,
    port: u16,
    inode: u64,
}

/// A listener, and whether its process belongs to another root file system than ours.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) listener: Listener,
    pub(crate) foreign: bool,
}

/// Finds listening sockets and their processes. Packages are not filled in yet.
pub(crate) fn find(look: &mut Look<'_>) -> Vec<Found> {
    let mut rows = Vec::new();
    for (protocol, state) in
        [("tcp", TCP_LISTEN), ("tcp6", TCP_LISTEN), ("udp", UDP_UNCONNECTED), ("udp6", UDP_UNCONNECTED)]
    {
        match look.root.read_text(format!("proc/net/{protocol}"), TABLE_MAX) {
            Ok(table) => rows.extend(parse(&table, protocol, state)),
            // A kernel without IPv6 has no table for it: that is an answer.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && protocol != "tcp" => {}
            Err(error) => {
                look.unseen(format!("listening {protocol} sockets"), error.to_string(), "mount /proc and look again")
            }
        }
    }
    if rows.len() > LISTENERS_MAX {
        look.unseen(
            format!("{} listening sockets", rows.len() - LISTENERS_MAX),
            format!("only the first {LISTENERS_MAX} are reported"),
            "look at `ss -lntu`",
        );
        rows.truncate(LISTENERS_MAX);
    }
    let wanted: BTreeSet<u64> = rows.iter().map(|row| row.inode).collect();
    let owners = if wanted.is_empty() { BTreeMap::new() } else { owners(look, &wanted) };
    let without = rows.iter().filter(|row| !owners.contains_key(&row.inode)).count();
    if without > 0 {
        look.unseen(
            format!("processes behind {without} listening sockets"),
            if procfs::is_root() {
                "the socket belongs to the kernel, or to a process that even root cannot look at from here"
            } else {
                "needs root, or the socket belongs to the kernel"
            },
            if procfs::is_root() {
                "look with `ss -lntup` from outside the container"
            } else {
                "run with sudo to see which service listens"
            },
        );
    }
    let mut found: Vec<Found> =
        rows.iter().map(|row| listener(look.root, row, owners.get(&row.inode).copied())).collect();
    found.sort_by(|a, b| {
        let key =
            |f: &Found| (f.listener.port, f.listener.protocol.clone(), f.listener.address.clone(), f.listener.pid);
        key(a).cmp(&key(b))
    });
    found.dedup_by(|a, b| a.listener == b.listener);
    found
}

fn listener(root: &Root, row: &Row, pid: Option<u32>) -> Found {
    let exe = pid.and_then(|pid| match procfs::exe(root, pid) {
        Seen::Here(exe) => Some(exe.path),
        Seen::Denied | Seen::Nothing => None,
    });
    Found {
        listener: Listener {
            protocol: row.protocol.to_owned(),
            address: row.address.to_string(),
            port: row.port,
            loopback: is_loopback(row.address),
            pid,
            exe,
            unit: pid.and_then(|pid| procfs::unit(root, pid)),
            package: None,
        },
        foreign: pid.is_some_and(|pid| procfs::foreign_root(root, pid)),
    }
}

/// Loopback, also in the form of an IPv4 address inside IPv6.
fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
    }
}

/// Rows of one table in the given state. Malformed lines are skipped: the kernel writes none.
fn parse(table: &str, protocol: &'static str, state: &str) -> Vec<Row> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let local = fields.nth(1)?;
            let remote = fields.next()?;
            if fields.next()? != state {
                return None;
            }
            // A UDP socket that has a peer is a client.
            if !remote.ends_with(":0000") {
                return None;
            }
            let inode = fields.nth(5)?.parse().ok()?;
            let (address, port) = local.split_once(':')?;
            Some(Row { protocol, address: parse_address(address)?, port: u16::from_str_radix(port, 16).ok()?, inode })
        })
        .collect()
}

/// The kernel prints the address as 32-bit words in the machine's own byte order.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word =
        |at: usize| hex.get(at..at + 8).and_then(|word| u32::from_str_radix(word, 16).ok()).map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = Vec::with_capacity(16);
            for at in [0, 8, 16, 24] {
                bytes.extend(word(at)?);
            }
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// The lowest process id that holds each wanted socket: of a parent and its workers, the parent.
fn owners(look: &mut Look<'_>, wanted: &BTreeSet<u64>) -> BTreeMap<u64, u32> {
    let mut owners = BTreeMap::new();
    for pid in procfs::pids(look.root) {
        if look.deadline.passed() {
            look.unseen("processes behind some listening sockets", "out of time", "allow more time");
            break;
        }
        let Ok(descriptors) = fs::read_dir(procfs::dir(look.root, pid).join("fd")) else {
            continue;
        };
        for descriptor in descriptors.take(DESCRIPTORS_MAX).flatten() {
            let Ok(target) = fs::read_link(descriptor.path()) else {
                continue;
            };
            let inode =
                target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok());
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn tables_give_listeners_only() {
        let tcp = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 4711 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 815 1 0000000000000000 100 0 0 10 0
   2: 0100007F:A000 0100007F:1538 01 00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0
   3: broken
";
        let rows = parse(tcp, "tcp", TCP_LISTEN);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].address.to_string(), "127.0.0.1");
        assert_eq!((rows[0].port, rows[0].inode), (5432, 4711));
        assert_eq!((rows[1].port, rows[1].address.to_string().as_str()), (22, "0.0.0.0"));

        let udp = "\
   sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0000000000000000 0
  101: 0000000000000000FFFF00000100007F:0036 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 2 0000000000000000 0
";
        let rows = parse(udp, "udp6", UDP_UNCONNECTED);
        assert_eq!(rows[0].address.to_string(), "::1");
        assert!(is_loopback(rows[0].address));
        assert_eq!(rows[1].address.to_string(), "::ffff:127.0.0.1");
        assert!(is_loopback(rows[1].address));
    }
}
