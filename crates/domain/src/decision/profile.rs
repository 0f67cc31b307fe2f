//! What an asset is to the organisation: the attributes that decisions may look at.

use serde::{Deserialize, Serialize};

/// What an assumption says where the profile has no exposure.
pub const EXPOSURE_UNSAID: &str = "assumed: the asset profile does not say from where it can be reached";

/// What an assumption says where the profile has no data class.
pub const DATA_UNSAID: &str = "assumed restricted: nobody has classified the data";

/// Importance of the service an asset carries; T1 is the most important.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// Mission-critical.
    T1,
    /// Important.
    T2,
    /// Standard.
    #[default]
    T3,
    /// Isolated or laboratory.
    T4,
}

/// Most sensitive data on the asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Cardholder data, ePHI, secrets.
    Restricted,
    /// Internal, confidential.
    Confidential,
    /// Nothing that would hurt if read.
    Public,
    /// Nobody has said.
    #[default]
    Unknown,
}

/// From where the asset can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// From the internet.
    Internet,
    /// From inside only.
    Internal,
    /// From nowhere an attacker without local access stands.
    Isolated,
    /// Nobody has said; counts as internet, labelled. A listening socket alone never proves internet.
    #[default]
    Unknown,
}

/// The attributes of an asset that policy conditions may read. Equal profiles are interned and judged once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetProfile {
    /// Environment (`production`, `staging`, `test`); empty when nobody has said.
    pub environment: String,
    /// Importance.
    pub tier: Tier,
    /// Data classification.
    pub data_class: DataClass,
    /// Reachability.
    pub exposure: Exposure,
    /// Zone or site.
    pub zone: String,
    /// Accountable owner.
    pub owner: String,
    /// Services the asset carries, sorted.
    pub services: Vec<String>,
    /// Regulatory scope tags (`cde`, `ephi`), sorted.
    pub tags: Vec<String>,
}
