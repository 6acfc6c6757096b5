//! The data lab (数据实验室) before the formal application (A7, NB 12-13): development only, free, for some months.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, DatasetId, Environment, PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::refuse;

/// What a profile says about the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabRules {
    /// Longest stay in calendar months.
    pub months: u32,
}

/// A stay in the lab, signed by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabGrant {
    /// Format version, 1.
    pub v: u32,
    /// Its name; the environment in it is `dev`.
    pub id: AuthorisationId,
    /// The authority that signs.
    pub authority: PartyName,
    /// The organisation that tests.
    pub applicant: String,
    /// Data sets; sampled, masked or simulated ones, as everything in development (D7).
    pub datasets: BTreeSet<DatasetId>,
    /// How the applicant develops.
    pub development: Text,
    /// How the applicant means to use it on the market.
    pub market: Text,
    /// Price of the stay in hundredths of the currency; free.
    #[serde(with = "u64_string")]
    pub price: u64,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
}

impl SignedType for LabGrant {
    const TYPE: &'static str = "lab-grant-v1";
}

impl LabGrant {
    /// Checks signature and form.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `lab.authority`, `lab.incomplete`, `lab.environment`, `lab.price`, `lab.term`.
    pub fn verify<'a>(signed: &'a Signed<Self>, authorities: &[PartyName], keys: &KeyRing, rules: LabRules) -> Result<&'a Self> {
        let lab = signed.verify(keys, &[signed.payload.authority.as_str()])?;
        if !authorities.contains(&lab.authority) {
            return Err(refuse("lab.authority", format!("`{}` is no authority", lab.authority)));
        }
        if lab.v != 1 || lab.datasets.is_empty() || lab.development.is_blank() || lab.market.is_blank() || lab.applicant.trim().is_empty() {
            return Err(refuse("lab.incomplete", "list data, way of development and plan for the market"));
        }
        if lab.id.environment() != Environment::Dev || lab.datasets.iter().any(|d| d.environment() != Environment::Dev) {
            return Err(refuse("lab.environment", "the lab is in development only"));
        }
        if lab.price != 0 {
            return Err(refuse("lab.price", "the lab is free"));
        }
        if lab.not_before >= lab.not_after || lab.not_after > lab.not_before.plus_months(rules.months) {
            return Err(refuse("lab.term", format!("at most {} months", rules.months)));
        }
        Ok(lab)
    }
}

impl LabGrant {
    /// Refuses a stay by which an applicant would test the same data longer than the profile's months, counted from its first stay: a lab that is
    /// granted again and again is a use without an authorisation.
    ///
    /// # Errors
    /// `Refused`: `lab.again`.
    pub fn follows<'a>(&self, earlier: impl Iterator<Item = &'a Self>, rules: LabRules) -> Result<()> {
        let is_same =
            |other: &&Self| other.id != self.id && other.applicant == self.applicant && !other.datasets.is_disjoint(&self.datasets);
        let first = earlier.filter(is_same).map(|other| other.not_before).min().map(|first| first.min(self.not_before));
        match first.map(|first| first.plus_months(rules.months)) {
            Some(end) if self.not_after > end => {
                Err(refuse("lab.again", format!("`{}` has tested such data before; its months end at {end}", self.applicant)))
            }
            _ => Ok(()),
        }
    }

    /// Whether a job of this licensee on these data may run in the stay. The applicant's own data are its own.
    ///
    /// # Errors
    /// `Refused`: `lab.term`, `lab.applicant`, `lab.data` naming the first data set that is not granted.
    pub fn permits<'a>(&self, licensee: &str, mut datasets: impl Iterator<Item = &'a DatasetId>, from: Time, until: Time) -> Result<()> {
        if from < self.not_before || from >= self.not_after || until > self.not_after {
            return Err(refuse("lab.term", format!("the stay is from {} to {}", self.not_before, self.not_after)));
        }
        if licensee != self.applicant {
            return Err(refuse("lab.applicant", format!("the stay is of `{}`", self.applicant)));
        }
        match datasets.find(|dataset| !self.datasets.contains(*dataset) && dataset.organisation() != self.applicant) {
            Some(other) => Err(refuse("lab.data", format!("`{other}` was not granted to the lab"))),
            None => Ok(()),
        }
    }
}

/// The report on a stay (数据测试验证技术评估报告): measured by the platform operator, issued by the authority; both sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabReport {
    /// Format version, 1.
    pub v: u32,
    /// Which stay.
    pub lab: AuthorisationId,
    /// Hash of the grant of that stay.
    pub grant: Hash,
    /// The authority that issues it.
    pub authority: PartyName,
    /// The platform operator that measured.
    pub platform: PartyName,
    /// Jobs that ran.
    #[serde(with = "u64_string")]
    pub jobs: u64,
    /// Data sets that were used.
    pub used: BTreeSet<DatasetId>,
    /// Security events.
    #[serde(with = "u64_string")]
    pub security_events: u64,
    /// Assessment.
    pub assessment: Text,
    /// When.
    pub at: Time,
}

impl SignedType for LabReport {
    const TYPE: &'static str = "lab-report-v1";
}

impl LabReport {
    /// Checks the report of a stay, and gives the hash that the formal application must cite.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `lab.report-other` for another stay, `lab.report-data` for data beyond it,
    /// `lab.report-early` before the stay began, `lab.report-incomplete`.
    pub fn verify(signed: &Signed<Self>, lab: &LabGrant, keys: &KeyRing) -> Result<Hash> {
        let report = signed.verify(keys, &[lab.authority.as_str(), signed.payload.platform.as_str()])?;
        if report.lab != lab.id
            || report.grant != document_hash(lab)?
            || report.authority != lab.authority
            || report.platform == lab.authority
        {
            return Err(refuse("lab.report-other", format!("the report is not on the stay `{}`, or not by two", lab.id)));
        }
        if let Some(dataset) = report.used.difference(&lab.datasets).next() {
            return Err(refuse("lab.report-data", format!("`{dataset}` was not granted to the lab")));
        }
        if report.at < lab.not_before {
            return Err(refuse("lab.report-early", "the report is older than the stay"));
        }
        if report.v != 1 || report.assessment.is_blank() {
            return Err(refuse("lab.report-incomplete", "the report needs format 1 and an assessment in both languages"));
        }
        document_hash(report)
    }
}
