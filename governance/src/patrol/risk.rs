//! Risk assessment (风险评估): what could happen, how likely and how bad it is, what is done about it; the level follows from the two.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::PartyName;
use crate::sign::SignedType;
use crate::text::Text;
use crate::workflow::word::words;

words! {
    /// How high a risk is.
    RiskLevel {
        Low = "low", "低", "Kept in view.";
        Middle = "middle", "中", "Measures within the year.";
        High = "high", "高", "Measures at once; shown until the next assessment finds less.";
    }
}

/// Most risks of one assessment.
const MOST: usize = 200;

/// One risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What could happen.
    pub what: Text,
    /// 1 (hardly ever) to 5 (expected).
    pub likelihood: u32,
    /// 1 (nobody notices) to 5 (people are harmed).
    pub impact: u32,
    /// What is done about it.
    pub measure: Text,
}

impl Risk {
    /// The usual five by five matrix: 15 and more is high, 6 and more is middle. Our numbers; no text has any.
    #[must_use]
    pub const fn level(&self) -> RiskLevel {
        match self.likelihood.saturating_mul(self.impact) {
            0..=5 => RiskLevel::Low,
            6..=14 => RiskLevel::Middle,
            _ => RiskLevel::High,
        }
    }
}

/// The assessment, signed by whoever carried it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskAssessment {
    /// Format version, 1.
    pub v: u32,
    /// Who assesses and signs.
    pub by: PartyName,
    /// The organisation that is assessed.
    pub about: String,
    /// What could happen.
    pub risks: Vec<Risk>,
    /// Until when it holds.
    pub until: Time,
    /// When.
    pub at: Time,
}

impl SignedType for RiskAssessment {
    const TYPE: &'static str = "risk-assessment-v1";
}

impl RiskAssessment {
    /// Checks the content.
    ///
    /// # Errors
    /// `risk.malformed` for no risk, numbers beside 1 to 5, or what is not said; `risk.until` for more than a year or none.
    pub fn check(&self) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code, what: (&str, &str)| {
            found.push(Finding::new(code, &self.by, what, ("assess again", "重新评估")));
        };
        let sound = |risk: &Risk| {
            (1..=5).contains(&risk.likelihood) && (1..=5).contains(&risk.impact) && !risk.what.is_blank() && !risk.measure.is_blank()
        };
        if self.v != 1 || self.about.trim().is_empty() || self.risks.is_empty() || self.risks.len() > MOST || !self.risks.iter().all(sound)
        {
            add(
                "risk.malformed",
                ("each risk needs its text, its measure, and two numbers from 1 to 5", "每项风险须有说明、措施及 1 至 5 的两个分值"),
            );
        }
        if self.until <= self.at || self.until > self.at.plus_months(12) {
            add("risk.until", ("it holds for up to a year", "有效期不超过一年"));
        }
        unless(found, ())
    }

    /// The highest level.
    #[must_use]
    pub fn level(&self) -> RiskLevel {
        self.risks.iter().map(Risk::level).max().unwrap_or(RiskLevel::Low)
    }
}
