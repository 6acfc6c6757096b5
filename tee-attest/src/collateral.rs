//! What makers publish about their platforms, verified once and used many times.
//!
//! A [`Bundle`](crate::bundle::Bundle) carries entries into the domain; [`VerifiedCollateral`] is what is left of one
//! after every signature in it was checked. Dates are checked again at each use.

use serde::{Deserialize, Serialize};

use crate::crypto::Provider;
use crate::fault::Result;
use crate::instant::{Instant, Span};

/// One entry of a bundle, not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "maker", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// Intel: TCB information, identities of quoting enclaves, certificates and revocation lists.
    Intel(Box<crate::dcap::Entry>),
    /// AMD: root and signing certificates of a product, revocation list, endorsement certificates of chips.
    Amd(Box<crate::snp::Entry>),
    /// Hygon: root, signing and chip certificates.
    Hygon(Box<crate::csv::Entry>),
    /// AWS: the root certificate.
    Aws(Box<crate::nitro::Entry>),
    /// Keys of attestation in TPMs.
    Tpm(Box<crate::tpm::Entry>),
    /// Arm: keys of platforms.
    Arm(Box<crate::cca::Entry>),
    /// NVIDIA: root certificate, reference measurements (RIM).
    Nvidia(Box<crate::nvidia::Entry>),
}

/// Collateral whose signatures were all checked. Made once, used for any number of pieces of evidence.
#[derive(Debug, Default)]
pub struct VerifiedCollateral {
    pub(crate) dcap: Vec<crate::dcap::Endorsement>,
    pub(crate) snp: Vec<crate::snp::Endorsement>,
    pub(crate) csv: Vec<crate::csv::Endorsement>,
    pub(crate) nitro: Vec<crate::nitro::Endorsement>,
    pub(crate) tpm: Vec<crate::tpm::Endorsement>,
    pub(crate) cca: Vec<crate::cca::Endorsement>,
    pub(crate) nvidia: Vec<crate::nvidia::Endorsement>,
    hash: [u8; 32],
    issued: Option<Instant>,
}

impl VerifiedCollateral {
    /// Checks every entry. `hash` names where they come from. Without a date the claim about the bundle's age is absent, so
    /// default policies refuse what is judged by it: [`crate::Bundle::verify`] gives the date.
    ///
    /// # Errors
    /// The first fault, with the number of the entry in its place: a bundle is used whole or not at all.
    pub fn new(provider: &dyn Provider, entries: &[Entry], hash: [u8; 32]) -> Result<Self> {
        let mut all = Self { hash, ..Self::default() };
        for (index, entry) in entries.iter().enumerate() {
            all.add(provider, entry).map_err(|fault| fault.inside(&format!("entry {}", index.saturating_add(1))))?;
        }
        Ok(all)
    }

    /// The same, put together at an instant.
    pub(crate) fn issued_at(mut self, issued: Instant) -> Self {
        self.issued = Some(issued);
        self
    }

    fn add(&mut self, provider: &dyn Provider, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Intel(entry) => self.dcap.push(crate::dcap::endorse(provider, entry)?),
            Entry::Amd(entry) => self.snp.push(crate::snp::endorse(provider, entry)?),
            Entry::Hygon(entry) => self.csv.push(crate::csv::endorse(provider, entry)?),
            Entry::Aws(entry) => self.nitro.push(crate::nitro::endorse(provider, entry)?),
            Entry::Tpm(entry) => self.tpm.push(crate::tpm::endorse(provider, entry)?),
            Entry::Arm(entry) => self.cca.push(crate::cca::endorse(provider, entry)?),
            Entry::Nvidia(entry) => self.nvidia.push(crate::nvidia::endorse(provider, entry)?),
        }
        Ok(())
    }

    /// Hash of the bundle that it came from.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// When the bundle was put together.
    #[must_use]
    pub const fn issued(&self) -> Option<Instant> {
        self.issued
    }

    /// The dates of everything in it.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        spans.extend(self.dcap.iter().flat_map(crate::dcap::Endorsement::spans));
        spans.extend(self.snp.iter().flat_map(crate::snp::Endorsement::spans));
        spans.extend(self.csv.iter().flat_map(crate::csv::Endorsement::spans));
        spans.extend(self.nitro.iter().flat_map(crate::nitro::Endorsement::spans));
        spans.extend(self.tpm.iter().flat_map(crate::tpm::Endorsement::spans));
        spans.extend(self.cca.iter().flat_map(crate::cca::Endorsement::spans));
        spans.extend(self.nvidia.iter().flat_map(crate::nvidia::Endorsement::spans));
        spans
    }
}
