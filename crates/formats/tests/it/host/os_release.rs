use patchwright_formats::host::os_release;

use super::{fixture, told};

#[test]
fn quirks_of_os_release() {
    // (name, text, id, version, code name, pretty, problems)
    type Row<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>, &'a str, &'a str);
    let table: &[Row<'_>] = &[
        (
            "single_quotes",
            "ID='alpine'\nVERSION_ID=3.20.3\nPRETTY_NAME='Alpine Linux v3.20'\n",
            "alpine",
            "3.20.3",
            None,
            "Alpine Linux v3.20",
            "",
        ),
        ("escapes", "ID=x\nVERSION_ID=1\nPRETTY_NAME=\"a \\\"b\\\" \\$c \\n\"\n", "x", "1", None, "a \"b\" $c \\n", ""),
        ("bare_escape", "ID=x\nPRETTY_NAME=a\\ b\n", "x", "", None, "a b", ""),
        (
            "testing_has_no_version_id",
            "ID=debian\nVERSION_CODENAME=forky\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n",
            "debian",
            "",
            Some("forky"),
            "Debian GNU/Linux forky/sid",
            "",
        ),
        (
            "stretch_has_its_code_name_in_brackets",
            "ID=debian\nVERSION_ID=\"9\"\nVERSION=\"9 (stretch)\"\nNAME=\"Debian GNU/Linux\"\n",
            "debian",
            "9",
            Some("stretch"),
            "Debian GNU/Linux 9 (stretch)",
            "",
        ),
        (
            "a_marketing_name_in_brackets_is_no_code_name",
            "ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\nPRETTY_NAME=U\n",
            "ubuntu",
            "22.04",
            None,
            "U",
            "",
        ),
        ("empty_file", "", "linux", "", None, "Linux", "ID: the file has no `ID`; `linux` is the standard's default\n"),
        ("no_pretty_name", "NAME=\"Acme OS\"\nID=acme\nVERSION_ID=7.1\n", "acme", "7.1", None, "Acme OS 7.1", ""),
        ("no_name_at_all", "ID=debian\nVERSION_ID=\"12\"\n", "debian", "12", None, "debian 12", ""),
        (
            "open_quote",
            "ID=\"debian\nVERSION_ID=12\n",
            "debian",
            "12",
            None,
            "debian 12",
            "line 1: the quote is not closed; the rest of the line is taken\n",
        ),
        (
            "garbage",
            "ID=debian\nnonsense\n=x\nid=y\n# a comment\n",
            "debian",
            "",
            None,
            "debian",
            "line 2: reading an assignment: the line is not NAME=value\nline 3: reading an assignment: the line is not NAME=value\nline 4: reading an assignment: the line is not NAME=value\n",
        ),
        ("upper_case_id", "ID=Debian\n", "debian", "", None, "debian", ""),
    ];
    for (name, text, id, version, codename, pretty, problems) in table {
        let (os, found) = os_release::parse(text.as_bytes());
        let got = (os.id.as_str(), os.version_id.as_str(), os.codename.as_deref(), os.pretty.as_str());
        assert_eq!(got, (*id, *version, *codename, *pretty), "{name}");
        assert_eq!(told(&found), *problems, "{name}");
    }
}

#[test]
fn id_like_is_split_and_the_ecosystem_follows() {
    let (os, _) = os_release::parse(b"ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n");
    assert_eq!(os.id_like, ["rhel", "centos", "fedora"]);
    assert_eq!(os.ecosystem().as_deref(), Some("AlmaLinux:9"));
    let (os, problems) = os_release::parse(&fixture("os-release"));
    assert_eq!(os.ecosystem().as_deref(), Some("Debian:12"));
    assert_eq!(os.codename.as_deref(), Some("bookworm"));
    assert!(problems.is_empty());
}
