//! Documents about assets: CSV by mapping, Ansible inventories in three forms.

use patchwright_formats::asset::csv::Mapping;
use patchwright_formats::asset::{AssetFormat, AssetRecord, Assets, read};

fn csv(text: &str, mapping: Option<&Mapping>) -> Assets {
    let assets = read(AssetFormat::Csv, text.as_bytes(), mapping).unwrap();
    assert!(assets.adds_up());
    assets
}

fn ansible(text: &str) -> Assets {
    let assets = read(AssetFormat::Ansible, text.as_bytes(), None).unwrap();
    assert!(assets.adds_up());
    assets
}

/// `host [groups] field=value …`, one a line.
fn lines(assets: &Assets) -> String {
    let line = |r: &AssetRecord| {
        let fields: String = r.fields.iter().map(|(f, v)| format!(" {}={v}", f.word())).collect();
        format!("{} [{}]{fields}\n", r.keys.hostname, r.groups.join(","))
    };
    assets.records.iter().map(line).collect()
}

fn told(assets: &Assets) -> String {
    assets.problems.iter().map(|p| format!("{}: {}\n", p.at, p.what)).collect()
}

#[test]
fn columns_are_found_by_usual_names_and_any_usual_separator() {
    for separator in [",", ";", "\t"] {
        let text = "\u{feff}Device Name,Serial number,Tenant,Site,Scope\r\nweb1,SN1,Web,ber,\"cde\"\r\n"
            .replace(',', separator);
        let assets = csv(&text, None);
        assert_eq!(lines(&assets), "web1 [] zone=ber owner=Web tags=cde\n");
        assert_eq!(assets.records[0].keys.serial, "SN1");
    }
}

#[test]
fn broken_rows_cost_only_themselves() {
    let assets = csv("name,tier,owner\nweb1,T1,\"web\nweb2,T9,x\nweb3,T2,a,b\n,T1,x\nweb 5,T1,x\nweb6,t2,\n", None);
    assert_eq!(lines(&assets), "web2 [] owner=x\nweb6 [] tier=t2\n");
    assert_eq!((assets.seen, assets.lost), (6, 4));
    assert_eq!(
        told(&assets),
        "line 2: row has an unclosed quote\nline 3: `T9` is no tier: tiers are T1, T2, T3, T4\nline 4: row has 4 fields, the header 3\n\
         line 5: record has no usable host name\nline 6: record has no usable host name\n"
    );
}

#[test]
fn a_mapping_goes_both_ways() {
    let mapping = Mapping::parse_toml(
        "[columns]\nhostname = \"CI\"\nowner = \"Team\"\nenvironment = \"Stage\"\n[values.environment]\nProd = \"production\"\n",
    )
    .unwrap();
    let text = "Team,CI,Stage,Other\n'=web,web1,PROD,x\ndata,db1,Test,y\n";
    let read = csv(text, Some(&mapping));
    assert_eq!(lines(&read), "web1 [] environment=production owner==web\ndb1 [] environment=Test owner=data\n");
    assert_eq!(mapping.headings(), ["CI", "Stage", "Team"]);
    let cells: Vec<_> = read.records.iter().map(|r| mapping.cells(r)).collect();
    assert_eq!(cells, [["web1", "Prod", "=web"], ["db1", "Test", "data"]]);
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    assert!(Mapping::parse_pairs("owner=Team").unwrap_err().contains("hostname"));
    assert!(Mapping::parse_pairs("hostname=A,colour=B").unwrap_err().contains("`colour` is none of"));
    assert!(Mapping::parse_pairs("hostname=A,owner=A").is_err());
    assert!(Mapping::parse_toml("[columns]\nhostname = 1\n").is_err());
    let mapping = Mapping::parse_pairs("hostname=A, owner=B").unwrap();
    let refused = read(AssetFormat::Csv, b"A,C\nx,y\n", Some(&mapping)).unwrap_err();
    assert!(refused.to_string().contains("no column `B`; there are: A, C"), "{refused}");
    for text in ["", "colour\nred\n"] {
        assert!(read(AssetFormat::Csv, text.as_bytes(), None).is_err(), "{text:?}");
    }
}

const INI: &str = "# all of it\nlone ansible_host=10.0.0.1\n\n[web]\nweb[01:03].example.org:2222 env=test # why\nweb-[a:b] tags=\"['cde', 'x y']\"\n\
    [db]\ndb1 owner='data team' env=staging\n[prod:children]\nweb\ndb\n[prod:vars]\nenv=production\nsite = ber\n[web:vars]\nsite=\"muc 2\"\n";

#[test]
fn ini_inventories_with_ranges_children_and_precedence() {
    assert_eq!(
        lines(&ansible(INI)),
        "db1 [db,prod] environment=staging zone=ber owner=data team\nlone []\nweb-a [prod,web] environment=production zone=muc 2 tags=cde;x y\n\
         web-b [prod,web] environment=production zone=muc 2 tags=cde;x y\nweb01.example.org [prod,web] environment=test zone=muc 2\n\
         web02.example.org [prod,web] environment=test zone=muc 2\nweb03.example.org [prod,web] environment=test zone=muc 2\n"
    );
}

const YAML: &str = "all:\n  hosts:\n    lone:\n  children:\n    prod:\n      vars: {env: production, site: ber}\n      children:\n        web:\n          hosts:\n            web[1:2]:\n              tags: [cde, pci]\n              tier: 1\n          vars: {site: muc}\n";
const JSON: &str = r#"{"_meta": {"hostvars": {"web1": {"tags": ["cde", "pci"], "tier": 1}, "web2": {"tags": ["cde", "pci"], "tier": 1}}},
    "all": {"children": ["ungrouped", "prod"]}, "ungrouped": {"hosts": ["lone"]},
    "prod": {"children": ["web"], "vars": {"env": "production", "site": "ber"}}, "web": {"hosts": ["web1", "web2"], "vars": {"site": "muc"}}}"#;

#[test]
fn yaml_and_list_json_say_the_same() {
    let want = "lone []\nweb1 [prod,web] environment=production tier=1 zone=muc tags=cde;pci\nweb2 [prod,web] environment=production tier=1 zone=muc tags=cde;pci\n";
    assert_eq!(lines(&ansible(YAML)), want);
    assert_eq!(lines(&ansible(JSON)), want);
}

#[test]
fn yaml_in_flow_style_and_with_aliases_says_the_same() {
    let want = "lone []\nweb1 [prod,web] environment=production tier=1 zone=muc tags=cde;pci\nweb2 [prod,web] environment=production tier=1 zone=muc tags=cde;pci\n";
    let flow = "{all: {hosts: {lone: {}}, children: {prod: {vars: {env: production, site: ber}, children: {web: \
                {hosts: {'web[1:2]': {tags: [cde, pci], tier: 1}}, vars: {site: muc}}}}}}}";
    let json = r#"{"all": {"hosts": {"lone": {}}, "children": {"prod": {"vars": {"env": "production", "site": "ber"}, "children":
        {"web": {"hosts": {"web1": {"tags": ["cde", "pci"], "tier": 1}, "web2": {"tags": ["cde", "pci"], "tier": 1}}, "vars": {"site": "muc"}}}}}}}"#;
    let aliases = "--- # ours\nall:\n  hosts: {lone: }\n  children:\n    prod:\n      vars: {env: production, site: ber}\n      children:\n        web:\n          hosts:\n            \
                   web1: &web\n              tags: [cde, pci]\n              tier: 1\n            web2:\n              <<: *web\n          vars: {site: muc}\n";
    for text in [
        flow,
        json,
        aliases,
        &format!("all: {}", &flow["{all: ".len()..flow.len() - 1]),
        &format!("# why\n%YAML 1.2\n---\n{flow}\n"),
    ] {
        assert_eq!(lines(&ansible(text)), want, "{text}");
    }
    for yaml in ["all : {hosts: {a: }}", "\"all\": {hosts: {a: {}}}", "all: # comment\n  hosts:\n    a:\n"] {
        assert_eq!(lines(&ansible(yaml)), "a []\n", "{yaml}");
    }
    // Colons of ports, addresses and variables make no YAML of INI.
    let ini = ansible("web1:2222 note=\"a: b\"\nweb2 x='y: z'\n");
    assert_eq!(lines(&ini), "web1 []\nweb2 []\n");
    assert!(
        read(AssetFormat::Ansible, b"{all: {hosts: {a: {}}", None).is_err(),
        "cut off, and not taken for hosts of INI"
    );
}

#[test]
fn aliases_that_stand_for_too_much_or_for_themselves_are_refused() {
    let refused = |text: &str| read(AssetFormat::Ansible, text.as_bytes(), None).unwrap_err().to_string();
    let hosts = "all:\n  vars: &base {owner: web, tier: T1}\n  hosts:\n    a: {<<: *base, tier: T2}\n    b:\n      <<: [{zone: x, owner: o}, *base]\n";
    assert_eq!(lines(&ansible(hosts)), "a [] tier=T2 owner=web\nb [] tier=T1 zone=x owner=o\n");
    assert!(refused("all: &a\n  hosts: *a\n").contains("an alias stands inside of what it refers to"));
    assert!(refused("all: {<<: 1}\n").contains("line 1: `<<` names no map"));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    let words = refused(&bomb);
    assert!(words.contains("too much") || words.contains("too many"), "{words}");
    let long = format!("all: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), ["*a"; 40].join(", "));
    assert!(refused(&long).contains("too much"));
}

#[test]
fn values_are_never_evaluated_and_oddities_have_a_place() {
    let assets = ansible(
        "[a]\nx owner=\"{{ lookup('pipe', 'id') }}\" tier=T7\ny owner='open\nz[3:1]\n[b:odd]\nq\n[c:children]\nd\n[d:children]\nc\n",
    );
    assert_eq!(lines(&assets), "x [a]\n");
    assert_eq!(assets.lost, 2);
    assert_eq!(
        told(&assets),
        "line 3: a quote is not closed\nline 4: `[3:1]` is no range\nline 5: this kind of section is not known; its lines are left out\n\
         groups: groups are children of each other in a circle\nhost x: `T7` is no tier: tiers are T1, T2, T3, T4\n\
         host x: a template or vault is not evaluated and left out\n"
    );
    let bomb = ansible("x[0:999999999]\ny[0:9999][0:9999]\n");
    assert_eq!((bomb.records.len(), bomb.lost), (0, 2));
}

#[test]
fn other_documents_are_no_inventory() {
    for text in ["", "# only words\n", "{\"a\": 1}", "{", "---\n- a\n- b\n", "all:\n  b: *x\n"] {
        assert!(read(AssetFormat::Ansible, text.as_bytes(), None).is_err(), "{text:?}");
    }
}

#[test]
fn anything_is_read_without_a_panic() {
    bolero::check!().with_iterations(2_000).for_each(|bytes: &[u8]| {
        for seed in [INI, YAML, JSON, "name;tier\nweb1;T1\n"] {
            let mut mixed = seed.as_bytes().to_vec();
            let place = bytes.first().map_or(0, |b| usize::from(*b)) % mixed.len();
            mixed.splice(place..place, bytes.iter().copied());
            for format in [AssetFormat::Csv, AssetFormat::Ansible] {
                if let Ok(assets) = read(format, &mixed, None) {
                    assert!(assets.adds_up());
                }
            }
        }
    });
}
