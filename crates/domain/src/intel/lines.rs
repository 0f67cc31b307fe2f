//! Build lines: builds of a package that are made beside the ordinary ones, with fixes of their own.
//!
//! Oracle's validated builds (`10:3.2.2-6.el9_fips`) have an epoch that no ordinary build reaches, and so have those that are patched
//! while they run (`2:2.34-100.0.1.ksplice1.el9_4`): compared by version alone, every ordinary package would be older than the fix
//! of another line. A statement about one line says nothing about a package of another.

/// The line of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Ordinary,
    Fips,
    Ksplice,
}

/// Whether two rpm versions are of one build line.
#[must_use]
pub fn same_line(a: &str, b: &str) -> bool {
    line(a) == line(b)
}

/// The line of an rpm version, by its release.
fn line(version: &str) -> Line {
    let release = version.rsplit_once('-').map_or("", |(_, release)| release);
    if release.contains("_fips") {
        Line::Fips
    } else if release.contains(".ksplice") {
        Line::Ksplice
    } else {
        Line::Ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_by_the_release() {
        let (ordinary, fips) = ("3.2.2-6.el9_5.1", "10:3.2.2-6.el9_fips");
        let ksplice = "2:2.34-100.0.1.ksplice1.el9_4";
        assert!(same_line(ordinary, "1:2.34-1.el9") && same_line(fips, "10:1.8.5-7.el8_5_fips"));
        assert!(same_line(ksplice, "2:1.1.1k-12.ksplice1.el8_9"));
        for (a, b) in [(ordinary, fips), (ordinary, ksplice), (fips, ksplice)] {
            assert!(!same_line(a, b) && !same_line(b, a), "{a} {b}");
        }
        // A name or a version with the word in it is no line.
        assert!(same_line("3.0.7_fips-6.el9", ordinary) && same_line("1.0", "2.0"));
    }
}
