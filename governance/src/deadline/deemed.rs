//! Deemed consent (默示同意, C4, ZW 21): a reviewer's silence as consent, and nothing else.
//!
//! The platform profits from a lapse, so it cannot make one: delivery is proven by the reviewer's node, outages stop the
//! clock, the clock service signs the lapse, and the regulator's node countersigns after replaying the same records. It stands
//! for one reviewer's approval. It never stands for desensitisation or a subject's consent (A15, A16), for forbidden data
//! (A6), for the higher level's consent (A17), for a check, a registration, an import or a product.

use serde::{Deserialize, Serialize};

use super::refused;
use super::review::{ReviewClock, Status};
use crate::canonical::Hash;
use crate::catalogue::{CatalogueEntry, Class, Subjects};
use crate::clock::Time;
use crate::error::Result;
use crate::finding::Finding;
use crate::id::{ColumnSet, PartyName};
use crate::profile::{Rules, SubjectData, Value as _};
use crate::sign::{KeyRing, Signed, SignedType};

/// The statement that a reviewer's limit passed in silence. Counts with two signatures: clock service and regulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeemedConsent {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the application's payload.
    pub application: Hash,
    /// Whose silence.
    pub reviewer: PartyName,
    /// Hash of the profile that says so.
    pub profile: Hash,
    /// When the application was delivered, by the receipt of the reviewer's node.
    pub delivered: Time,
    /// First second after the limit.
    pub since: Time,
}

impl SignedType for DeemedConsent {
    const TYPE: &'static str = "deemed-consent-v1";
}

/// Proof that one reviewer's silence counts as its approval; made by [`ReviewClock::accept_deemed`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentByLapse {
    application: Hash,
    reviewer: PartyName,
}

impl ConsentByLapse {
    /// Hash of the application's payload.
    #[must_use]
    pub const fn application(&self) -> Hash {
        self.application
    }

    /// Whose approval it stands for.
    #[must_use]
    pub const fn reviewer(&self) -> &PartyName {
        &self.reviewer
    }

    /// What the columns of a data set still need although the reviewer's approval is there; empty means nothing more. A lapse
    /// fills none of these needs.
    #[must_use]
    pub fn still_needed(&self, entry: &CatalogueEntry, columns: &ColumnSet, rules: &Rules) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, column: &str, en: String, zh: String| {
            let remedy = ("obtain it from whom it is due; a lapse does not replace it", "向有权方取得；逾期视为同意不能替代");
            found.push(Finding::new(
                code,
                &self.reviewer,
                (format!("`{}`, column `{column}`: {en}", entry.dataset), format!("`{}` 的列 `{column}`：{zh}", entry.dataset)),
                remedy,
            ));
        };
        let protection = rules.sensitive_columns.value.words();
        for name in columns.iter() {
            match entry.column(name).map(|column| column.class) {
                None => add("deemed.column-unknown", name, "the catalogue has no such column".into(), "目录中无此列".into()),
                Some(_) if entry.is_prohibited(name) => {
                    add(
                        "deemed.prohibited",
                        name,
                        "opening is forbidden, no silence opens it (A6)".into(),
                        "禁止开放，不因逾期而开放（A6）".into(),
                    );
                }
                Some(Class::Personal | Class::SensitivePersonal | Class::TradeSecret) => {
                    add("deemed.protection", name, format!("needs {} (A16)", protection.en), format!("须{}（A16）", protection.zh));
                }
                Some(_) => {}
            }
        }
        if entry.subjects != Subjects::None && rules.subject_data.value == SubjectData::Consent {
            let subject = entry.subject_column.as_deref().unwrap_or("-");
            add("deemed.subject-consent", subject, "the subject's consent is needed (A15)".into(), "须经数据主体授权同意（A15）".into());
        }
        found
    }
}

impl ReviewClock {
    /// The statement of a lapse at `now`, to be signed by the clock service and countersigned by the regulator's node, each
    /// from its own replay of the records.
    ///
    /// # Errors
    /// `Refused` (`review.not-deemed`) unless the limit has passed and silence counts as consent here.
    pub fn deemed_consent(&self, now: Time, profile: Hash) -> Result<DeemedConsent> {
        let (Status::Deemed { since }, Some(delivered)) = (self.status(now), self.delivered()) else { return Err(self.not_deemed(now)) };
        let reviewer = self.seats().reviewer.clone();
        Ok(DeemedConsent { v: 1, application: self.application(), reviewer, profile, delivered, since })
    }

    /// Takes a signed statement over if it says what this clock says at `now`.
    ///
    /// # Errors
    /// `Signature` unless clock service and regulator have both signed; `Refused` if this clock has not lapsed into consent, or
    /// the statement differs from it.
    pub fn accept_deemed(&self, signed: &Signed<DeemedConsent>, now: Time, profile: Hash, ring: &KeyRing) -> Result<ConsentByLapse> {
        let seats = self.seats();
        let stated = signed.verify(ring, &[seats.clock_service.as_str(), seats.regulator.as_str()])?;
        if *stated != self.deemed_consent(now, profile)? {
            return Err(refused(
                "review.deemed-differs",
                format!("the statement on the silence of `{}` is not what the records say", seats.reviewer),
            ));
        }
        Ok(ConsentByLapse { application: self.application(), reviewer: seats.reviewer.clone() })
    }
}
