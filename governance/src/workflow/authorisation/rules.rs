//! What a profile says about the procedure of authorisation: stages, their order, their actors, numbers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::State;
use crate::error::Result;
use crate::workflow::refuse;
use crate::workflow::role::Role;
use crate::workflow::word::words;

words! {
    /// A stage between application and activation; a profile names those it has, in its order (A9).
    Stage {
        Completeness = "completeness", "材料完整性核查", "The dossier is complete (A8).";
        Preliminary = "preliminary", "初审", "Preliminary review.";
        Expert = "expert", "专家评审", "Opinions of experts (A25).";
        Meeting = "meeting", "会议审议", "The coordination body deliberates; the government decides.";
        Publication = "publication", "公布", "Published (A11).";
        Filing = "filing", "备案", "Filed with the province, receipt at hand (A12).";
        Agreement = "agreement", "协议签订", "The agreement is signed by both sides (A13).";
        Stamp = "stamp", "用章", "The authority's contract seal stands under the agreement (A24).";
        Scheme = "scheme", "实施方案审定", "The government adopted the implementation plan (A26).";
        Selection = "selection", "公平择优", "The operator was chosen by tender or the like (A26).";
    }
}

impl Stage {
    /// Where an object stands after the stage.
    #[must_use]
    pub const fn done(self, stamp: bool) -> State {
        match self {
            Self::Completeness => State::Complete,
            Self::Preliminary => State::Reviewed,
            Self::Expert => State::Assessed,
            Self::Meeting => State::Decided,
            Self::Publication => State::Published,
            Self::Filing => State::Filed,
            Self::Agreement if stamp => State::Signed,
            Self::Agreement | Self::Stamp => State::Agreed,
            Self::Scheme => State::Adopted,
            Self::Selection => State::Selected,
        }
    }
}

/// A stage with the role that signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRule {
    /// Which stage.
    pub stage: Stage,
    /// Who signs that it is done, or refuses there. In the stage of the agreement all of `agreement_by` sign instead.
    pub by: Role,
}

/// The procedure of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Stages in their order; each at most once.
    pub order: Vec<StageRule>,
    /// Whether the agreement needs the authority's seal (A24).
    pub stamp: bool,
    /// Longest term in years without a recorded decision of the authority (A4).
    pub max_term_years: i32,
    /// Names of the documents of a dossier (A8).
    pub documents: BTreeSet<String>,
    /// Names of the qualifications that an applicant proves (A23).
    pub qualifications: BTreeSet<String>,
    /// Whether the application cites the report of a test in the data lab (A7).
    pub test_report: bool,
    /// At which stage the review form is closed (A10), if the profile has one.
    pub form_at: Option<Stage>,
    /// Fewest opinions without conflict of interest (A25).
    pub experts: u32,
    /// All of these sign the decision of the meeting: where a body deliberates and another decides, both. Not empty if there is that stage.
    pub decide_by: Vec<Role>,
    /// Who signs the agreement; a role may be named twice.
    pub agreement_by: Vec<Role>,
    /// Any of these signs the contingency plan (A2).
    pub plan_by: Vec<Role>,
    /// Any of these suspends (L3, ZZ 30).
    pub suspend_by: Vec<Role>,
    /// All of these sign a termination (L1, S7).
    pub terminate_by: Vec<Role>,
}

impl Rules {
    /// Whether the rules can be followed at all; what cannot be evaluated denies.
    ///
    /// # Errors
    /// `Refused` with `rules.authorisation` and what contradicts.
    pub fn check(&self) -> Result<()> {
        let place = |stage| self.order.iter().position(|rule| rule.stage == stage);
        let mut seen = BTreeSet::new();
        let wrong = if self.order.iter().any(|rule| !seen.insert(rule.stage)) {
            "a stage is named twice"
        } else if place(Stage::Agreement).is_none() {
            "there is no stage of the agreement"
        } else if place(Stage::Stamp).is_some() != self.stamp || place(Stage::Stamp).is_some_and(|at| Some(at) < place(Stage::Agreement)) {
            "the seal has a stage after the agreement where it is needed, and none where it is not"
        } else if !self.documents.is_empty() && place(Stage::Completeness).is_none() {
            "documents are demanded and no stage checks them"
        } else if self.form_at.is_some_and(|stage| !matches!(stage, Stage::Preliminary | Stage::Expert) || place(stage).is_none()) {
            "the review form is closed at the preliminary review or with the experts, at a stage of the order"
        } else if [&self.agreement_by, &self.plan_by, &self.suspend_by, &self.terminate_by].iter().any(|roles| roles.is_empty()) {
            "agreement, plan, suspension and termination need a role each"
        } else if place(Stage::Meeting).is_some() && self.decide_by.is_empty() {
            "nobody signs the decision of the meeting"
        } else if self.max_term_years < 1 {
            "the longest term is less than a year"
        } else {
            return Ok(());
        };
        Err(refuse("rules.authorisation", wrong))
    }

    /// Who signs a stage.
    #[must_use]
    pub fn by(&self, stage: Stage) -> Role {
        self.order.iter().find(|rule| rule.stage == stage).map_or(Role::Authority, |rule| rule.by)
    }
}
