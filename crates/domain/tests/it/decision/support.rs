//! Builders of small values, and the optional shared folder.

use std::path::PathBuf;

use patchwright_domain::decision::classify::{Decision, classify};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::decision::variables::Input;
use patchwright_domain::intel::{
    CvssAssessment, EpssScore, ExploitEvidence, ExploitKind, ExploitMaturity, KevEntry, SsvcPoint, Status, VendorWords,
    VulnFacts,
};
use patchwright_domain::time::Date;

/// `../shared` beside the repository, or what `PATCHWRIGHT_SHARED` names; nothing when it is not there.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var("PATCHWRIGHT_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let found = root.join(path);
    found.exists().then_some(found)
}

pub(super) fn default_policy() -> Policy {
    Policy::shipped().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(super) fn vuln(id: &str) -> VulnFacts {
    VulnFacts { id: id.to_owned(), ..VulnFacts::default() }
}

pub(super) fn kev(facts: &VulnFacts) -> VulnFacts {
    let mut facts = facts.clone();
    facts.kev = Some(KevEntry {
        cve: facts.id.clone(),
        date_added: Date::parse("2026-08-01").unwrap(),
        due_date: None,
        ransomware_known: false,
        vendor: "v".to_owned(),
        product: "p".to_owned(),
        cwes: Vec::new(),
    });
    facts
}

pub(super) fn exploit(facts: &VulnFacts, maturity: ExploitMaturity) -> VulnFacts {
    let mut facts = facts.clone();
    facts.exploits.push(ExploitEvidence {
        kind: ExploitKind::Metasploit,
        reference: "exploit/x".to_owned(),
        maturity,
        date: None,
    });
    facts
}

pub(super) fn cvss(facts: &VulnFacts, source: &str, vector: &str) -> VulnFacts {
    let mut facts = facts.clone();
    facts.cvss.push(CvssAssessment { source: source.to_owned(), vector: vector.to_owned(), published_e1: None });
    facts
}

pub(super) fn ssvc(facts: &VulnFacts, exploitation: &str, automatable: &str, impact: &str) -> VulnFacts {
    let mut facts = facts.clone();
    facts.ssvc = Some(SsvcPoint {
        exploitation: exploitation.to_owned(),
        automatable: automatable.to_owned(),
        technical_impact: impact.to_owned(),
        date: None,
    });
    facts
}

pub(super) fn epss(facts: &VulnFacts, score_e5: u32) -> VulnFacts {
    let mut facts = facts.clone();
    facts.epss = Some(EpssScore { score_e5, percentile_e5: None });
    facts
}

pub(super) fn profile(tier: Tier, data_class: DataClass, exposure: Exposure) -> AssetProfile {
    AssetProfile { tier, data_class, exposure, ..AssetProfile::default() }
}

pub(super) fn vendor(severity: Option<&str>, sub_state: Option<&str>) -> VendorWords {
    VendorWords { severity: severity.map(str::to_owned), sub_state: sub_state.map(str::to_owned), reason: None }
}

pub(super) fn judge(policy: &Policy, vuln: &VulnFacts, vendor: &VendorWords, profile: &AssetProfile) -> Decision {
    classify(
        policy,
        &Input { vuln, vendor, status: Status::Fixed, profile, package: "openssl", ecosystem: "Debian:12" },
    )
}

/// A seeded stream of numbers (SplitMix64), so that "random" tests repeat.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
