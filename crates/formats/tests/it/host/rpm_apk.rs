use patchwright_domain::inventory::PackageFormat;
use patchwright_formats::host::rpm_list::Nevra;
use patchwright_formats::host::{apk_installed, package_list, rpm_list};

use super::{fixture, lines, told};

#[test]
fn names_split_from_the_right() {
    // (text, name, epoch, version, release, arch)
    type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, &'a str, Option<&'a str>);
    let table: &[Row<'_>] = &[
        ("bash-5.1.8-9.el9.x86_64", "bash", None, "5.1.8", "9.el9", Some("x86_64")),
        (
            "java-17-openjdk-headless-17.0.10.0.7-2.el9.x86_64",
            "java-17-openjdk-headless",
            None,
            "17.0.10.0.7",
            "2.el9",
            Some("x86_64"),
        ),
        ("openssl-libs-1:3.0.7-25.el9_3.x86_64", "openssl-libs", Some("1"), "3.0.7", "25.el9_3", Some("x86_64")),
        ("0:vim-minimal-8.2.2637-20.el9.x86_64", "vim-minimal", None, "8.2.2637", "20.el9", Some("x86_64")),
        ("2:vim-minimal-8.2.2637-20.el9.x86_64", "vim-minimal", Some("2"), "8.2.2637", "20.el9", Some("x86_64")),
        ("tzdata-2024a-1.el9.noarch", "tzdata", None, "2024a", "1.el9", Some("noarch")),
        ("gpg-pubkey-b86b3716-61e69f29", "gpg-pubkey", None, "b86b3716", "61e69f29", None),
        ("bash-5.1.8-9.el9", "bash", None, "5.1.8", "9.el9", None),
    ];
    for (text, name, epoch, version, release, arch) in table {
        let found = Nevra::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (found.name, found.epoch, found.version, found.release, found.arch),
            (*name, *epoch, *version, *release, *arch),
            "{text}"
        );
    }
    for text in ["", "-", "--", "bash", "bash-5.1.8", "a b-1-2"] {
        assert_eq!(Nevra::parse(text), None, "{text}");
    }
}

#[test]
fn the_plain_list_leaves_keys_out() {
    let (packages, problems) = rpm_list::parse(&fixture("rpm-qa.txt"));
    assert_eq!(
        lines(&packages),
        "\
bash x86_64 5.1.8-9.el9 bash 5.1.8-9.el9 Installed
glibc i686 2.34-83.el9 glibc 2.34-83.el9 Installed
java-17-openjdk-headless x86_64 17.0.10.0.7-2.el9 java-17-openjdk-headless 17.0.10.0.7-2.el9 Installed
openssl-libs x86_64 1:3.0.7-25.el9_3 openssl-libs 1:3.0.7-25.el9_3 Installed
tzdata noarch 2024a-1.el9 tzdata 2024a-1.el9 Installed
vim-minimal x86_64 8.2.2637-20.el9 vim-minimal 8.2.2637-20.el9 Installed
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn the_query_gives_epochs_sources_modules_and_both_kernels() {
    let (packages, problems) = rpm_list::parse(&fixture("rpm-qa.tsv"));
    assert_eq!(
        lines(&packages),
        "\
bash x86_64 5.1.8-9.el9 bash 5.1.8-9.el9 Installed
bind-utils x86_64 32:9.16.23-14.el9 bind 32:9.16.23-14.el9 Installed
kernel-core x86_64 5.14.0-362.el9 kernel 5.14.0-362.el9 Installed
kernel-core x86_64 5.14.0-427.el9 kernel 5.14.0-427.el9 Installed
nodejs x86_64 1:18.19.0-1.module_el9 nodejs 1:18.19.0-1.module_el9 Installed module nodejs:18
openssl-libs x86_64 1:3.0.7-25.el9_3 openssl 1:3.0.7-25.el9_3 Installed
perl-Digest noarch 1.19-4.el9 perl-Digest 1.19-4.el9 Installed
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn broken_rpm_lines_are_told_and_cost_themselves_only() {
    let text = "good-1-1.noarch\nwarning: something\nx\ty\nbad\tepoch\t1\t1\tnoarch\t(none)\t(none)\nq\t(none)\t2\t3\tnoarch\t(none)\t(none)\n\n";
    let (packages, problems) = rpm_list::parse(text.as_bytes());
    assert_eq!(lines(&packages), "good noarch 1-1 good 1-1 Installed\nq noarch 2-3 q 2-3 Installed\n");
    assert_eq!(
        told(&problems),
        "\
line 2: reading a line of rpm -qa: not name-version-release.arch
line 3: reading a line of rpm -qa: fewer than five fields between tabs
line 4: reading a line of rpm -qa: the epoch is not a number
"
    );
}

#[test]
fn a_source_in_another_version_has_no_known_epoch() {
    let text = "perl-libs\t4\t5.32.1\t481.el9\tx86_64\tperl-5.32.1-481.el9.src.rpm\t(none)\n\
                perl-Errno\t0\t1.30\t481.el9\tx86_64\tperl-5.32.1-481.el9.src.rpm\t(none)\n";
    let (packages, _) = rpm_list::parse(text.as_bytes());
    assert_eq!(
        lines(&packages),
        "perl-Errno x86_64 1.30-481.el9 perl 5.32.1-481.el9 Installed\n\
         perl-libs x86_64 4:5.32.1-481.el9 perl 4:5.32.1-481.el9 Installed\n"
    );
}

#[test]
fn apk_letters_are_case_sensitive_and_origins_are_sources() {
    let (packages, problems) = apk_installed::parse(&fixture("apk-installed"));
    assert_eq!(
        lines(&packages),
        "\
busybox x86_64 1.36.1-r29 busybox 1.36.1-r29 Broken
libcrypto3 x86_64 3.3.2-r0 openssl 3.3.2-r0 Installed
musl x86_64 1.2.5-r0 musl 1.2.5-r0 Installed
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn broken_apk_stanzas_cost_themselves_only() {
    let text = "P:a\nV:1-r0\n\nV:2-r0\n\nP:b\n\nP:c\nnot a field\nV:3-r0\nP:d\nV:4-r0\nA:x86";
    let (packages, problems) = apk_installed::parse(text.as_bytes());
    assert_eq!(lines(&packages), "a  1-r0 a 1-r0 Installed\nc  3-r0 c 3-r0 Installed\nd x86 4-r0 d 4-r0 Installed\n");
    assert_eq!(
        told(&problems),
        "\
line 4: a stanza without a usable `P:` (name)
line 6: package `b` has no usable `V:` (version)
line 9: reading a field: the line is not one letter and a colon
line 11: a new package begins without an empty line before it
line 13: the file ends in this field, without a line feed: its value may be cut short
"
    );
}

#[test]
fn a_hand_made_list_may_mix_its_shapes() {
    let (packages, problems) = package_list::parse(&fixture("package-list.txt"), PackageFormat::Deb);
    assert_eq!(
        lines(&packages),
        "\
bash  5.2.15-2+b8 bash 5.2.15-2 Installed
libc6 i386 2.36-9+deb12u10 libc6 2.36-9+deb12u10 Installed
libssl3 amd64 3.0.20-1~deb12u2 libssl3 3.0.20-1~deb12u2 Installed
libxml2 amd64 2.9.14+dfsg-1.3~deb12u1 libxml2 2.9.14+dfsg-1.3~deb12u1 Installed
openssh-server amd64 1:9.2p1-2+deb12u3 openssh-server 1:9.2p1-2+deb12u3 Installed
openssl  3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
zlib1g amd64 1:1.2.13.dfsg-1 zlib1g 1:1.2.13.dfsg-1 Installed
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn lists_of_other_package_managers() {
    let (packages, problems) =
        package_list::parse(b"bash-5.1.8-9.el9.x86_64\nopenssl-libs 1:3.0.7-25.el9\n", PackageFormat::Rpm);
    assert_eq!(
        lines(&packages),
        "bash x86_64 5.1.8-9.el9 bash 5.1.8-9.el9 Installed\nopenssl-libs  1:3.0.7-25.el9 openssl-libs 1:3.0.7-25.el9 Installed\n"
    );
    assert_eq!(told(&problems), "");
    let text = b"musl-1.2.5-r0\nlibcrypto3-3.3.2-r0 x86_64 {openssl} (Apache-2.0) [installed]\n";
    let (packages, problems) = package_list::parse(text, PackageFormat::Apk);
    assert_eq!(
        lines(&packages),
        "libcrypto3 x86_64 3.3.2-r0 openssl 3.3.2-r0 Installed\nmusl  1.2.5-r0 musl 1.2.5-r0 Installed\n"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn lines_that_are_not_packages_are_told() {
    let (packages, problems) = package_list::parse(b"flask==2.0.0\nbash\n", PackageFormat::Deb);
    assert!(packages.is_empty());
    assert_eq!(
        told(&problems),
        "line 1: `==` is a requirement of a Python package, not a package of the operating system\n\
         line 2: reading a line: no version found in it\n"
    );
}
