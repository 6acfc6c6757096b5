//! What the gate says, in a form that can be signed and sent.

use serde::{Deserialize, Serialize};
use yu_desensitize::{Lang, Text};

use super::settings::Settings;
use super::subject::Subject;
use crate::artefact::Privacy;
use crate::{Error, Result};

/// Numbers of rows are told in multiples of this.
pub(super) const GRAIN: u64 = 10;
/// Larger reports are refused before they are parsed, bytes.
const MOST_BYTES: usize = 1 << 20;

/// A test of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Membership inference by the loss, on average over all rows.
    MembershipAdvantage,
    /// Membership inference by the loss, where a claim can be believed.
    MembershipByLoss,
    /// Membership inference with shadow models.
    MembershipByShadows,
    /// Planted records are known.
    Canaries,
    /// A leaf of a tree stands for few rows.
    LeafSize,
    /// What the training spent of privacy.
    Privacy,
}

impl Rule {
    /// Its name for people.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::MembershipAdvantage => ("advantage of membership inference", "成员推断优势"),
            Self::MembershipByLoss => ("membership inference by loss", "基于损失的成员推断"),
            Self::MembershipByShadows => ("membership inference with shadow models", "基于影子模型的成员推断"),
            Self::Canaries => ("canary extraction", "植入样本提取"),
            Self::LeafSize => ("rows in a leaf", "叶节点样本数"),
            Self::Privacy => ("privacy statement", "差分隐私声明"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The model stands up to it.
    Passed,
    /// The model does not, or the test could not tell and the settings refuse then.
    Refused,
    /// The test could not tell, and the settings say that people decide then.
    CannotTell,
    /// The settings left it out.
    LeftOut,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Which.
    pub rule: Rule,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found: a share, a number of rows, an epsilon. Shares and numbers of rows are coarse; none where nothing was measured.
    pub figure: Option<f64>,
    /// What was allowed; none where nothing was asked for.
    pub limit: Option<f64>,
    /// Why.
    pub reason: Text,
    /// What to do; empty unless it was refused or could not tell.
    pub remedy: Text,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The party may vouch for the model.
    Passed,
    /// It may not.
    Refused,
    /// The tests could not tell: people decide, by name.
    CannotTell,
}

/// What one party found of a model. Tells nothing of single rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Format, 1.
    pub v: u32,
    /// What the model is called.
    pub name: String,
    /// SHA-256 of the model's document, in hexadecimal.
    pub model: String,
    /// The limits.
    pub settings: Settings,
    /// Own rows of the training, rounded down to tens.
    pub members: u64,
    /// Own rows held back, rounded down to tens.
    pub held_back: u64,
    /// Every test, in the order of [`Rule`].
    pub tests: Vec<Test>,
    /// What the training spent of privacy.
    pub privacy: Privacy,
    /// Whether the party may vouch for it.
    pub verdict: Verdict,
}

impl Report {
    pub(super) fn new(subject: &Subject<'_>, settings: &Settings, rows: [usize; 2], tests: Vec<Test>) -> Self {
        let [members, held_back] = rows.map(|rows| rows as u64 / GRAIN * GRAIN);
        let verdict = verdict(&tests);
        Self {
            v: 1,
            name: subject.name().to_owned(),
            model: subject.hash().to_owned(),
            settings: settings.clone(),
            members,
            held_back,
            tests,
            privacy: subject.privacy().clone(),
            verdict,
        }
    }

    /// Whether every test that was asked for was passed.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.verdict == Verdict::Passed && verdict(&self.tests) == Verdict::Passed
    }

    /// The tests that the model does not pass, and those that could not tell.
    pub fn refusals(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| matches!(test.outcome, Outcome::Refused | Outcome::CannotTell))
    }

    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// [`Error::Caller`] for numbers that are not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        crate::artefact::document::canonical(self)
    }

    /// Reads what [`Self::to_bytes`] wrote, of a model with this document.
    ///
    /// # Errors
    /// [`Error::Data`] for another model, and where the verdict is not that of the tests.
    pub fn from_bytes(bytes: &[u8], model: &[u8]) -> Result<Self> {
        let wrong = |problem: String| Error::Data {
            what: "report of the release gate".into(),
            problem,
            remedy: "take it from the party that examined the model".into(),
        };
        if bytes.len() > MOST_BYTES {
            return Err(wrong("it is larger than a report can be".into()));
        }
        let report: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if report.v != 1 || report.model != crate::artefact::document::hash_of(model) {
            return Err(wrong("it is about another model".into()));
        }
        if report.verdict != verdict(&report.tests) || report.to_bytes()? != bytes {
            return Err(wrong("its verdict is not that of its tests, or it is not in canonical form".into()));
        }
        Ok(report)
    }

    /// The report in sentences, one for each test, then the statement of privacy.
    #[must_use]
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let (colon, gap) = match lang {
            Lang::En => (": ", "; "),
            Lang::Zh => ("：", "；"),
        };
        let line = |test: &Test| {
            let (title, reason, remedy) = (test.rule.title(lang), test.reason.get(lang), test.remedy.get(lang));
            if remedy.is_empty() { format!("{title}{colon}{reason}") } else { format!("{title}{colon}{reason}{gap}{remedy}") }
        };
        self.tests.iter().map(line).collect()
    }
}

/// What follows from the tests. What was left out weighs nothing; if nothing was tested, nothing is known.
fn verdict(tests: &[Test]) -> Verdict {
    let any = |outcome: Outcome| tests.iter().any(|test| test.outcome == outcome && test.rule != Rule::Privacy);
    if tests.iter().any(|test| test.outcome == Outcome::Refused) {
        Verdict::Refused
    } else if any(Outcome::CannotTell) || !any(Outcome::Passed) {
        Verdict::CannotTell
    } else {
        Verdict::Passed
    }
}
