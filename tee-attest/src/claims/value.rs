//! Values of claims.

use serde::{Deserialize, Serialize};

use super::schema::ClaimType;

/// Where a platform's trusted computing base stands against its maker's list. Ordered: worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TcbStatus {
    /// Everything that the maker asks for is installed.
    UpToDate,
    /// Installed; software inside must defend itself against a known attack.
    #[serde(rename = "SWHardeningNeeded")]
    SwHardeningNeeded,
    /// Installed; a setting of the machine is needed.
    ConfigurationNeeded,
    /// Both of the two.
    #[serde(rename = "ConfigurationAndSWHardeningNeeded")]
    ConfigurationAndSwHardeningNeeded,
    /// Up to date since the last start of the module, the domain itself was measured by an older one.
    #[serde(rename = "TDRelaunchAdvised")]
    TdRelaunchAdvised,
    /// The same, and a setting of the machine is needed.
    #[serde(rename = "TDRelaunchAdvisedConfigurationNeeded")]
    TdRelaunchAdvisedConfigurationNeeded,
    /// Patches are missing.
    OutOfDate,
    /// Patches are missing, and a setting of the machine is needed.
    OutOfDateConfigurationNeeded,
    /// Keys of this level are known to be lost.
    Revoked,
}

impl TcbStatus {
    /// The maker's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::TdRelaunchAdvised => "TDRelaunchAdvised",
            Self::TdRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A counter, a version, a bit field.
    Number(u64),
    /// A measurement, an identity, data of the reporter.
    #[serde(with = "hex::serde")]
    Bytes(Vec<u8>),
    /// A name.
    Text(String),
    /// Names, for example advisories.
    List(Vec<String>),
    /// The state of the trusted computing base.
    Tcb(TcbStatus),
}

impl Value {
    /// Its type.
    #[must_use]
    pub const fn claim_type(&self) -> ClaimType {
        match self {
            Self::Flag(_) => ClaimType::Flag,
            Self::Number(_) => ClaimType::Number,
            Self::Bytes(_) => ClaimType::Bytes,
            Self::Text(_) => ClaimType::Text,
            Self::List(_) => ClaimType::List,
            Self::Tcb(_) => ClaimType::Tcb,
        }
    }

    /// The value for people: bytes in hexadecimal, lists with commas.
    #[must_use]
    pub fn show(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Bytes(bytes) => hex::encode(bytes),
            Self::Text(text) => text.clone(),
            Self::List(list) => list.join(", "),
            Self::Tcb(status) => status.name().to_owned(),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

impl From<TcbStatus> for Value {
    fn from(status: TcbStatus) -> Self {
        Self::Tcb(status)
    }
}
