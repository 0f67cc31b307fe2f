//! Assets: whose word counts, who is who, and rules.

use std::collections::BTreeMap;

use patchwright_domain::decision::profile::{AssetProfile, Tier};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::Hardware;
use patchwright_domain::inventory::asset::identity::{
    Conflict, Evidence, Index, Key, Keys, Known, Likeness, Resolution, Sighting, cloned, conflicts, doubles, likeness,
    resolve, same_name,
};
use patchwright_domain::inventory::asset::rules::{Asset, Rules};
use patchwright_domain::inventory::asset::{
    Claim, Field, Outcome, Source, Sources, Standing, edited, rules_again, settle,
};
use patchwright_domain::time::Timestamp;

fn claim(by: Standing, who: &str, at: i64, field: Field, value: &str) -> Claim {
    Claim { field, value: value.to_owned(), source: Source { by, who: who.to_owned(), at: Timestamp(at) } }
}

fn host(id: &str, name: &str, machine: Option<&str>) -> Known {
    Known {
        id: HostId::from_unique(id),
        hostname: name.to_owned(),
        machine: machine.map(str::to_owned),
        last_seen: Timestamp(0),
        before: Vec::new(),
    }
}

fn named(name: &str) -> Keys {
    Keys { hostname: name.to_owned(), ..Keys::default() }
}

#[test]
fn the_higher_standing_wins_whatever_the_order() {
    let words = [
        claim(Standing::Rule, "r", 3, Field::Owner, "rule"),
        claim(Standing::Import, "cmdb", 2, Field::Owner, "import"),
        claim(Standing::Person, "ann", 1, Field::Owner, "person"),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let claims = order.map(|n| words[n].clone());
        let settled = settle(&AssetProfile::default(), &Sources::new(), &claims);
        assert_eq!(settled.profile.owner, "person", "{order:?}");
        assert_eq!(settled.sources[&Field::Owner].who, "ann");
        assert_eq!(settled.outcomes.len(), 3, "every claim has an answer");
    }
}

#[test]
fn among_equals_the_later_word_counts_and_the_same_word_changes_nothing() {
    let first = settle(&AssetProfile::default(), &Sources::new(), &[claim(Standing::Import, "a", 5, Field::Zone, "x")]);
    let later = settle(&first.profile, &first.sources, &[claim(Standing::Import, "b", 9, Field::Zone, "y")]);
    assert_eq!(later.profile.zone, "y");
    let old = settle(&later.profile, &later.sources, &[claim(Standing::Import, "a", 5, Field::Zone, "x")]);
    assert_eq!(old.profile.zone, "y");
    assert!(matches!(&old.outcomes[..], [Outcome::Outranked { claimant: Standing::Import, .. }]));
    let again = settle(&later.profile, &later.sources, &[claim(Standing::Import, "b", 20, Field::Zone, "y")]);
    assert_eq!((again.profile, again.sources), (later.profile, later.sources));
}

#[test]
fn a_profile_from_before_sources_counts_as_a_persons_word() {
    let before = AssetProfile { tier: Tier::T1, ..AssetProfile::default() };
    let claims = [
        claim(Standing::Import, "cmdb", 1, Field::Tier, "T4"),
        claim(Standing::Import, "cmdb", 1, Field::Owner, "web"),
        claim(Standing::Import, "cmdb", 1, Field::Exposure, "the moon"),
    ];
    let settled = settle(&before, &Sources::new(), &claims);
    assert_eq!((settled.profile.tier, settled.profile.owner.as_str()), (Tier::T1, "web"));
    assert!(matches!(settled.outcomes[2], Outcome::Refused(_)), "{:?}", settled.outcomes);
    let after = AssetProfile { zone: "z".to_owned(), ..settled.profile.clone() };
    let sources = edited(&settled.profile, &after, &settled.sources, "ann", Timestamp(7));
    assert_eq!(sources[&Field::Zone].by, Standing::Person);
    assert_eq!(sources[&Field::Owner].by, Standing::Import, "what she left alone is still the import's word");
}

#[test]
fn every_field_reads_back_what_it_says() {
    for (field, value) in [
        (Field::Environment, "production"),
        (Field::Tier, "T1"),
        (Field::DataClass, "restricted"),
        (Field::Exposure, "isolated"),
        (Field::Zone, "ber 1"),
        (Field::Owner, "web team"),
        (Field::Services, "a;b"),
        (Field::Tags, "cde;ephi"),
    ] {
        let mut profile = AssetProfile::default();
        field.set(&mut profile, value).unwrap();
        assert_eq!(field.get(&profile), value);
        assert_eq!(Field::parse(field.word()), Some(field));
    }
    assert!(Field::Owner.set(&mut AssetProfile::default(), &"x".repeat(300)).is_err());
}

#[test]
fn names_fit_with_and_without_domain_but_not_with_another() {
    assert!(same_name("Web1.", "web1.example.org"));
    assert!(!same_name("web1.example.org", "web1.example.net"));
    assert!(!same_name("", ""));
    let hosts = [host("1", "web1.example.org", None), host("2", "web1.example.net", None), host("3", "db", None)];
    assert!(matches!(resolve(&named("web1"), &hosts), Resolution::Conflict { because } if because.contains("2 hosts")));
    let one = Resolution::Host { id: HostId::from_unique("1"), because: vec![Key::Hostname] };
    assert_eq!(resolve(&named("WEB1.example.org"), &hosts), one);
    assert_eq!(resolve(&named("web2"), &hosts), Resolution::NeverEnrolled);
    let index = Index::new(hosts.to_vec());
    for name in ["web1", "WEB1.example.org", "web2", "db.example.org", "web1.example.com"] {
        assert_eq!(index.resolve(&named(name)), resolve(&named(name), &hosts), "{name}: the index leaves nobody out");
    }
}

#[test]
fn keys_that_contradict_each_other_are_a_conflict() {
    let hosts = [host("1", "web1", Some("m1")), host("2", "web2", Some("m2"))];
    let record = Keys { machine: "m2".to_owned(), ..named("web1") };
    assert!(
        matches!(resolve(&record, &hosts), Resolution::Conflict { because } if because.contains("machine digest is that of web2"))
    );
    let replaced = Keys { machine: "m9".to_owned(), ..named("web1") };
    assert!(matches!(resolve(&replaced, &hosts), Resolution::Conflict { because } if because.contains("replaced")));
    let moved = Keys { machine: "m1".to_owned(), ..named("web1-new") };
    assert!(matches!(resolve(&moved, &hosts), Resolution::Host { because, .. } if because == [Key::Machine]));
}

#[test]
fn a_serial_number_finds_a_host_that_the_cmdb_renamed_but_placeholders_find_nobody() {
    let serial = |name: &str, serial: &str| Keys { serial: serial.to_owned(), ..named(name) };
    let mut known = host("1", "web1", None);
    known.before = vec![serial("web1", "ABC1234"), named("web1.example.org"), serial("web1", "XYZ9876")];
    for told in ["abc1234", "XYZ9876"] {
        let record = serial("front1", told);
        assert!(matches!(resolve(&record, &[known.clone()]), Resolution::Host { .. }), "every record goes on counting");
        assert_eq!(Index::new(vec![known.clone()]).resolve(&record), resolve(&record, &[known.clone()]));
    }
    known.before = vec![serial("web1", "To be filled by O.E.M.")];
    assert_eq!(resolve(&serial("front1", "To Be Filled By O.E.M."), &[known]), Resolution::NeverEnrolled);
    let found = doubles(&[
        serial("a", "SN12345"),
        serial("b", "sn12345"),
        serial("c", "0000"),
        serial("d", "0000"),
        named("A"),
    ]);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 1, 4], "{found:?}");
}

#[test]
fn clones_overlap_and_renamed_hosts_do_not() {
    let seen = |name: &str, first: i64, last: i64| Sighting {
        machine: "m".to_owned(),
        hostname: name.to_owned(),
        first: Timestamp(first),
        last: Timestamp(last),
    };
    assert!(cloned(&[seen("a", 1, 5)], "b", Timestamp(9)).is_empty(), "renamed");
    assert!(cloned(&[seen("a", 1, 5)], "A", Timestamp(9)).is_empty());
    assert_eq!(cloned(&[seen("a", 1, 5), seen("b", 9, 9)], "a", Timestamp(12)), ["b"], "the first name is back");
    let hosts = [host("1", "a", Some("m")), host("2", "b", None), host("3", "c", None)];
    let none = BTreeMap::new();
    assert_eq!(conflicts(&[seen("a", 1, 5), seen("b", 9, 9)], &hosts[..1], &none), [], "b is no host any more");
    let all = [seen("a", 1, 12), seen("b", 9, 9), seen("c", 20, 21)];
    let cloned = |names: [&str; 2], because: &str| Conflict::Cloned {
        machine: "m".to_owned(),
        names: names.map(str::to_owned).to_vec(),
        because: because.to_owned(),
    };
    assert_eq!(conflicts(&all, &hosts, &none), [cloned(["a", "b"], "they reported it in turn")]);

    // One after the other: the hardware tells, or nothing does.
    let one = [seen("a", 1, 5), seen("b", 9, 9)];
    let unclear = conflicts(&one, &hosts[..2], &none);
    let [Conflict::Unclear { names, because, .. }] = unclear.as_slice() else { panic!("{unclear:?}") };
    assert_eq!((names.join(" ").as_str(), because.as_str()), ("a b", "nothing else is known of both"));
    let hardware = BTreeMap::from([
        (HostId::from_unique("1"), hardware(None, &["x", "y"])),
        (HostId::from_unique("2"), hardware(None, &["z"])),
    ]);
    assert_eq!(conflicts(&one, &hosts[..2], &hardware), [cloned(["a", "b"], "they differ in network adapters")]);
    let installed_again = [host("1", "a", Some("m")), host("2", "b", Some("n"))];
    assert_eq!(conflicts(&one, &installed_again, &hardware), [], "b has a machine id of its own now");
}

fn hardware(product: Option<&str>, adapters: &[&str]) -> Hardware {
    Hardware {
        product: product.map(str::to_owned),
        adapters: adapters.iter().map(|adapter| (*adapter).to_owned()).collect(),
    }
}

#[test]
fn a_clone_is_told_from_a_renamed_host_by_what_both_say_of_themselves() {
    let evidence = |product, adapters: &[&str], serial: &str| Evidence {
        hardware: hardware(product, adapters),
        keys: vec![Keys { serial: serial.to_owned(), ..Keys::default() }],
    };
    let known = evidence(Some("p"), &["x", "y"], "SN-1234");
    for (now, want) in [
        (evidence(Some("p"), &["y"], "sn-1234"), "one"),
        (evidence(None, &["x"], ""), "one"),
        (evidence(None, &[], "SN-1234"), "one"),
        (evidence(Some("q"), &["z"], ""), "they differ in product UUID, network adapters"),
        (evidence(None, &[], "SN-9999"), "they differ in serial number in the inventory"),
        (evidence(Some("p"), &["z"], ""), "they differ in network adapters and agree in product UUID"),
        (evidence(None, &[], "0000"), "nothing else is known of both"),
    ] {
        let said = match likeness(&known, &now) {
            Likeness::One => "one".to_owned(),
            Likeness::Two { because } => {
                assert!(!because.contains("agree"), "{because}");
                because
            }
            Likeness::Unclear { because } => {
                assert!(because.contains("agree") || because.contains("nothing"), "{because}");
                because
            }
        };
        assert_eq!(said, want);
    }
    // A record that can mean either host is no evidence about one of them.
    let record = Keys { serial: "SN-1234".to_owned(), ..named("web1") };
    let of =
        |name: &str, other: &str| Evidence::of(name, other, &Hardware::default(), std::slice::from_ref(&record)).keys;
    assert_eq!(of("web1.example.org", "web2.example.org"), std::slice::from_ref(&record));
    assert!(of("web1.example.org", "web1.example.net").is_empty());
}

#[test]
fn a_replaced_host_is_shown_with_the_newer_first() {
    let mut new = host("2", "web1", Some("m2"));
    new.last_seen = Timestamp(9);
    let hosts = [host("1", "web1", Some("m1")), new, host("3", "x", Some("m3"))];
    let want = Conflict::Replaced {
        name: "web1".to_owned(),
        newer: HostId::from_unique("2"),
        older: vec![HostId::from_unique("1")],
    };
    assert_eq!(conflicts(&[], &hosts, &BTreeMap::new()), [want]);
}

#[test]
fn the_first_rule_that_sets_a_field_decides_it() {
    let rules = Rules::parse(
        "schema = \"1\"\nkind = \"assets\"\n\
         [[rule]]\nname = \"a\"\nhostname = \"web-*.org\"\nset = { tier = \"T1\" }\n\
         [[rule]]\nname = \"b\"\nhostname = \"*e*-*\"\nos = \"debian:12\"\nset = { tier = \"T2\", zone = \"z\" }\n\
         [[rule]]\nname = \"c\"\ngroup = \"db*\"\nset = { owner = \"data\" }\n",
    )
    .unwrap();
    let said = |hostname: &str, os: &str, groups: &[String]| {
        let claims = rules.claims(&Asset { hostname, os, groups }, Timestamp(1));
        claims.iter().map(|c| format!("{}={}/{}", c.field.word(), c.value, c.source.who)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(said("web-1.example.org", "Debian:12", &[]), "tier=T1/a zone=z/b");
    assert_eq!(said("WEB-1", "Debian:12", &[]), "tier=T2/b zone=z/b");
    assert_eq!(said("web-1", "Debian:13", &[]), "");
    assert_eq!(said("x", "", &["web".to_owned(), "DB2".to_owned()]), "owner=data/c");
    let on = settle(
        &AssetProfile::default(),
        &Sources::new(),
        &rules.claims(&Asset { hostname: "web-1.org", os: "", groups: &[] }, Timestamp(1)),
    );
    let off = rules_again(&on.profile, &on.sources, &[]);
    assert_eq!(
        (off.profile, off.sources),
        (AssetProfile::default(), Sources::new()),
        "a silent rule leaves nothing behind"
    );
}

#[test]
fn rules_that_cannot_work_are_refused_by_name() {
    let refused = |rule: &str| {
        Rules::parse(&format!("schema = \"1\"\nkind = \"assets\"\n[[rule]]\n{rule}")).unwrap_err().to_string()
    };
    assert!(refused("name = \"x\"\nset = { tier = \"T1\" }").contains("`x` has no condition"));
    assert!(refused("name = \"x\"\nos = \"*\"\nset = { tier = \"T9\" }").contains("tiers are"));
    assert!(refused("name = \"x\"\nos = \"*\"\nset = { colour = \"T9\" }").contains("no field"));
    assert!(refused("name = \"x\"\nos = \"*\"\nset = {}").contains("sets nothing"));
    assert!(refused("name = \"x\"\nhost = \"*\"\nset = {}").contains("unknown field"));
    assert!(Rules::parse("schema = \"2\"\nkind = \"assets\"").is_err());
}
