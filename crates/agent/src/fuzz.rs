//! Fuzz targets of what the agent itself reads: the kernel's tables, boot loader files, archives, and answers of systemd.

use std::collections::BTreeMap;

use bolero::check;

/// Runs of each target in the test command.
const RUNS: usize = 2_000;

#[test]
fn any_bytes_as_an_archive() {
    check!().with_iterations(RUNS).with_max_len(2_048).for_each(|bytes: &[u8]| {
        let mut kept = 0;
        let ended = crate::tar::each_file(
            bytes,
            1_024,
            |_| true,
            |_, body| {
                kept += body.len();
                true
            },
        );
        assert!(kept <= bytes.len(), "{ended:?}");
    });
}

/// A header whose checksum holds, so that what comes behind it is reached.
#[test]
fn a_header_with_a_true_checksum() {
    check!().with_iterations(RUNS).with_type::<([u8; 24], [u8; 8], u8, Vec<u8>)>().for_each(
        |(name, size, kind, body)| {
            let mut header = [0_u8; 512];
            header[..24].copy_from_slice(name);
            header[124..132].copy_from_slice(size);
            header[156] = *kind;
            header[257..262].copy_from_slice(b"ustar");
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            let mut archive = header.to_vec();
            archive.extend(body);
            let mut kept = 0;
            let ended = crate::tar::each_file(
                archive.as_slice(),
                1_024,
                |_| true,
                |_, body| {
                    kept += body.len();
                    true
                },
            );
            assert!(kept <= archive.len(), "{ended:?}");
        },
    );
}

#[test]
fn any_text_as_a_boot_loader_file() {
    const MENU: &str = "set default=\"0\"\nmenuentry 'Debian' --id 'a' {\n linux /boot/vmlinuz-6.1.0-9-amd64 root=x\n}\nsubmenu 'More' {\n menuentry 'Old' {\n linux /vmlinuz-6.1.0-8-amd64\n }\n}\n";
    check!().with_iterations(RUNS).with_type::<(u16, Vec<u8>)>().for_each(|(at, bytes)| {
        let mut text = MENU.as_bytes().to_vec();
        let at = usize::from(*at) % text.len();
        text.splice(at..at, bytes.iter().copied());
        let text = String::from_utf8_lossy(&text);
        let env: BTreeMap<String, String> = crate::grub::environment(&text);
        if let Some(release) = crate::grub::next_release(&text, &env) {
            assert!(release.len() <= text.len());
        }
        drop(crate::grub::release_of_entry(&text));
        drop(crate::grub::release_of_image(&text));
    });
}

#[test]
fn any_text_as_a_table_of_mappings() {
    const LINE: &str = "7f00-7f01 r-xp 00001000 fd:01 1234 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n";
    check!().with_iterations(RUNS).with_type::<(u8, Vec<u8>)>().for_each(|(at, bytes)| {
        let mut text = LINE.repeat(2).into_bytes();
        let at = usize::from(*at) % text.len();
        text.splice(at..at, bytes.iter().copied());
        let text = String::from_utf8_lossy(&text);
        assert!(crate::procfs::code_mappings(&text).count() <= text.lines().count());
    });
}
