//! Tar archives of the system's own program: long names and the formats it writes.

use std::process::Command;

use patchwright_formats::bounded::{FileInZip, Limits, TarEnd, each_file_in_tar, open};

fn names_and_sizes(bytes: &[u8], limits: &Limits) -> (Vec<(String, usize)>, TarEnd) {
    let mut found = Vec::new();
    let mut intake = open(bytes, limits).unwrap();
    let end = each_file_in_tar(&mut intake, limits, &|name| !name.ends_with(".skip"), &mut |file| match file {
        FileInZip::Bytes { name, bytes } => found.push((name.trim_start_matches("./").to_owned(), bytes.len())),
        FileInZip::Bad { name, why } => found.push((format!("{name}: {why}"), 0)),
    })
    .unwrap();
    found.sort();
    (found, end)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs the system's tar")]
fn archives_of_the_systems_tar_in_each_format() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}.json", "folder".repeat(15), "name".repeat(20));
    for (name, size) in [("a.json", 0_usize), ("b.json", 512), (long.as_str(), 70_001), ("c.skip", 3)] {
        let path = folder.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![b'x'; size]).unwrap();
    }
    let want = [("a.json".to_owned(), 0), ("b.json".to_owned(), 512), (long.clone(), 70_001)];
    for format in ["gnu", "pax", "ustar"] {
        let made = Command::new("tar")
            .args(["-cf", "-", &format!("--format={format}"), "-C"])
            .arg(folder.path().join("in"))
            .arg(".")
            .output();
        let Ok(made) = made.map_err(|_| println!("skipped: tar is not installed")) else { return };
        assert!(made.status.success(), "{format}: {}", String::from_utf8_lossy(&made.stderr));
        let (found, end) = names_and_sizes(&made.stdout, &Limits::default());
        assert_eq!(found, want, "{format}");
        assert_eq!(end, TarEnd::Whole);
        let mut damaged = made.stdout.clone();
        damaged[20] ^= 1;
        assert!(matches!(names_and_sizes(&damaged, &Limits::default()).1, TarEnd::Cut(_)), "{format}");
        let (found, end) = names_and_sizes(&made.stdout, &Limits { record: 1_000, ..Limits::default() });
        assert_eq!(found.iter().filter(|(name, _)| name.contains("larger than 1000 bytes")).count(), 1);
        assert_eq!(end, TarEnd::Whole, "a large file costs only itself");
    }
}
