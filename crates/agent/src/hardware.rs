//! Fingerprints of the hardware under a host, so that a clone with the machine id of another is not taken for it.

use patchwright_domain::inventory::Hardware;
use sha2::{Digest as _, Sha256};

use crate::packages::machine_id;
use crate::root::Root;

/// Salt of the fingerprints.
const SALT: &[u8] = b"patchwright:hardware:1:";
/// One value of sysfs.
const VALUE_MAX: u64 = 4 << 10;
/// Network adapters looked at; hosts of many containers have thousands of virtual ones.
const INTERFACES_MAX: usize = 4_096;
/// Adapters kept: large servers have about twenty.
const ADAPTERS_MAX: usize = 64;
/// `addr_assign_type` of an address that the adapter was made with (`NET_ADDR_PERM`, Linux' `Documentation/ABI/testing/sysfs-class-net`).
const PERMANENT: &str = "0";
/// Product UUID that boards carry whose maker set none.
const NO_UUID: &str = "03000200-0400-0500-0006-000700080009";

/// What tells the hardware apart. Nothing in a container, which shares the product and has passing addresses, and nothing without a
/// machine id: then nobody is taken for another by it.
pub(crate) fn collect(root: &Root, container: bool) -> Hardware {
    let Some(id) = machine_id(root).filter(|_| !container) else { return Hardware::default() };
    let fingerprint = |kind: &str, value: &str| {
        let mut hash = Sha256::new();
        hash.update(SALT);
        hash.update(format!("{id}:{kind}:{value}").as_bytes());
        hex::encode(hash.finalize())
    };
    let read = |path: &str| root.read_text(path, VALUE_MAX).map(|text| text.trim().to_ascii_lowercase()).ok();
    let product = read("sys/class/dmi/id/product_uuid").filter(|uuid| tells(uuid) && uuid != NO_UUID);
    let mut adapters: Vec<String> = root
        .names("sys/class/net", INTERFACES_MAX)
        .iter()
        .map(|name| format!("sys/class/net/{name}"))
        // Bridges, tunnels and the ends of containers have no device beneath them.
        .filter(|path| root.exists(format!("{path}/device")))
        .filter(|path| read(&format!("{path}/addr_assign_type")).is_none_or(|kind| kind == PERMANENT))
        .filter_map(|path| read(&format!("{path}/address")).filter(|address| tells(address)))
        .map(|address| fingerprint("adapter", &address))
        .take(ADAPTERS_MAX)
        .collect();
    adapters.sort_unstable();
    adapters.dedup();
    Hardware { product: product.map(|uuid| fingerprint("product", &uuid)), adapters }
}

/// Hexadecimal digits with separators, not all the same: zeros and ones stand for nothing.
fn tells(value: &str) -> bool {
    let mut digits = value.chars().filter(|c| !matches!(c, ':' | '-'));
    let Some(first) = digits.next() else { return false };
    first.is_ascii_hexdigit()
        && value.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '-'))
        && digits.any(|c| c != first)
}
