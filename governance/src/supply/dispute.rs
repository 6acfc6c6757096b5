//! Disputes on the supply of data (数据供给争议), A27 (TZ 三(五)): the authority mediates; if that fails it asks members and experts; then
//! the government decides.
//!
//! ```text
//! filed --mediate--> mediating --settle--> settled
//!                        \--fail, ask--> consulting --opinion*--> consulting --refer--> referred --decide--> decided
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, refuse};
use crate::id::{DatasetId, PartyName, TicketId};
use crate::sign::SignedType;

/// What should be done, in the eyes of one organisation or expert, or by decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Supply the data.
    Supply,
    /// Supply them under the conditions of the attached document.
    SupplyOnConditions,
    /// Do not.
    Refuse,
}

/// Position with the document that states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The position.
    pub position: Position,
    /// Hash of the signed document.
    pub document: Hash,
    /// When.
    pub at: Time,
}

/// Where a dispute stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DisputeState {
    /// Filed by one side.
    Filed,
    /// The authority mediates.
    Mediating,
    /// Both sides agree.
    Settled {
        /// On what.
        outcome: Statement,
    },
    /// Members of the coordination mechanism and experts are asked.
    Consulting {
        /// Who was asked.
        asked: BTreeSet<String>,
        /// Who has answered.
        opinions: BTreeMap<String, Statement>,
    },
    /// Before the government, with all opinions.
    Referred {
        /// Who said what.
        opinions: BTreeMap<String, Statement>,
    },
    /// Decided.
    Decided {
        /// The opinions it rests on.
        opinions: BTreeMap<String, Statement>,
        /// The decision.
        outcome: Statement,
    },
}

impl DisputeState {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Filed => "filed",
            Self::Mediating => "mediating",
            Self::Settled { .. } => "settled",
            Self::Consulting { .. } => "consulting",
            Self::Referred { .. } => "referred",
            Self::Decided { .. } => "decided",
        }
    }
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DisputeStep {
    /// The authority begins to mediate.
    Mediate,
    /// Both sides agree, recorded by the authority; `parties` names those that signed.
    Settle {
        /// Organisations that signed the settlement.
        parties: BTreeSet<String>,
        /// The outcome.
        outcome: Statement,
    },
    /// Mediation failed: the authority asks for opinions.
    Ask {
        /// Member organisations and the expert group.
        asked: BTreeSet<String>,
    },
    /// One of those asked answers.
    Opinion(Statement),
    /// The authority puts the matter before the government.
    Refer,
    /// The government decides.
    Decide(Statement),
}

/// A dispute as one side files it (数据供给争议).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputeFiling {
    /// Format version, 1.
    pub v: u32,
    /// Its name, of the organisation that files it.
    pub id: TicketId,
    /// The node that files it and signs.
    pub by: PartyName,
    /// On which data set.
    pub dataset: DatasetId,
    /// Hash of the written statement of the case.
    pub statement: Hash,
    /// When.
    pub at: Time,
}

impl SignedType for DisputeFiling {
    const TYPE: &'static str = "dispute-filing-v1";
}

/// A step of a dispute as it is filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputeAct {
    /// Format version, 1.
    pub v: u32,
    /// Which dispute.
    pub dispute: TicketId,
    /// Who takes the step and signs.
    pub by: PartyName,
    /// The step.
    pub act: DisputeStep,
    /// When; tells one step from the next.
    pub at: Time,
}

impl SignedType for DisputeAct {
    const TYPE: &'static str = "dispute-act-v1";
}

/// Who decides in the end, and whether experts must have been heard: profile data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputeRules {
    /// Node of the government (本级政府) that decides.
    pub government: PartyName,
    /// Name under which the expert group answers; must be among those asked.
    pub expert_group: String,
    /// Fewest member organisations that are asked beside the experts.
    pub min_members: u32,
}

/// One dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// Format version, 1.
    v: u32,
    id: TicketId,
    dataset: DatasetId,
    authority: PartyName,
    changed: Time,
    state: DisputeState,
}

impl Dispute {
    /// Files a dispute of the organisation in `id` with the provider of the data set.
    ///
    /// # Errors
    /// `dispute.one-side` if both sides, or one side and the authority, are the same.
    pub fn file(id: TicketId, dataset: DatasetId, authority: PartyName, now: Time) -> Checked<Self> {
        let sides = BTreeSet::from([id.organisation(), dataset.organisation(), authority.organisation()]);
        if sides.len() < 3 {
            return refuse(
                "dispute.one-side",
                id.organisation(),
                (format!("dispute `{id}` lacks two sides and a third that mediates"), format!("争议 `{id}` 缺少双方及居中协商方")),
                ("name two sides and the authority", "列明双方及主管部门"),
            );
        }
        Ok(Self { v: 1, id, dataset, authority, changed: now, state: DisputeState::Filed })
    }

    /// Its name; the organisation in it is the side that filed it.
    #[must_use]
    pub const fn id(&self) -> &TicketId {
        &self.id
    }

    /// The data set that it is about; the organisation in it is the other side.
    #[must_use]
    pub const fn dataset(&self) -> &DatasetId {
        &self.dataset
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &DisputeState {
        &self.state
    }

    /// The dispute after a step of `by`, a node whose signature the caller has checked.
    ///
    /// # Errors
    /// One refusal by name: `dispute.wrong-state`, `dispute.not-mediator`, `dispute.not-asked`, `dispute.not-government`,
    /// `dispute.twice`, `dispute.opinions-missing`, `dispute.panel`, `dispute.not-agreed`, `dispute.time`.
    pub fn apply(&self, step: &DisputeStep, by: &PartyName, rules: &DisputeRules, now: Time) -> Checked<Self> {
        if now < self.changed {
            return self.no("dispute.time", by, "would go back in time", "时间早于上一步");
        }
        let state = match (step, &self.state) {
            (DisputeStep::Mediate, DisputeState::Filed) => {
                self.mediator(by)?;
                DisputeState::Mediating
            }
            (DisputeStep::Settle { parties, outcome }, DisputeState::Mediating) => {
                self.mediator(by)?;
                let agreed = [self.id.organisation(), self.dataset.organisation()].iter().all(|side| parties.contains(*side));
                if !agreed {
                    return self.no("dispute.not-agreed", by, "is not settled by one side alone", "须经双方同意方可达成");
                }
                DisputeState::Settled { outcome: *outcome }
            }
            (DisputeStep::Ask { asked }, DisputeState::Mediating) => {
                self.mediator(by)?;
                self.panel(asked, by, rules)?;
                DisputeState::Consulting { asked: asked.clone(), opinions: BTreeMap::new() }
            }
            (DisputeStep::Opinion(statement), DisputeState::Consulting { asked, opinions }) => {
                let organisation = by.organisation().to_owned();
                if !asked.contains(&organisation) {
                    return self.no("dispute.not-asked", by, "was not put to this organisation", "未征求该单位意见");
                }
                let mut opinions = opinions.clone();
                if opinions.insert(organisation, *statement).is_some() {
                    return self.no("dispute.twice", by, "has an opinion of this organisation already", "该单位已提出意见");
                }
                DisputeState::Consulting { asked: asked.clone(), opinions }
            }
            (DisputeStep::Refer, DisputeState::Consulting { asked, opinions }) => {
                self.mediator(by)?;
                if opinions.len() < asked.len() {
                    return self.no("dispute.opinions-missing", by, "still lacks opinions that were asked for", "尚缺所征求的意见");
                }
                DisputeState::Referred { opinions: opinions.clone() }
            }
            (DisputeStep::Decide(outcome), DisputeState::Referred { opinions }) => {
                if *by != rules.government {
                    return self.no("dispute.not-government", by, "is decided by the government only", "只能由本级政府确定");
                }
                DisputeState::Decided { opinions: opinions.clone(), outcome: *outcome }
            }
            (_, state) => {
                let state = state.as_str();
                let (en, zh) = (format!("is {state}, where this step does not exist"), format!("处于 {state} 状态，无此步骤"));
                return self.no("dispute.wrong-state", by, &en, &zh);
            }
        };
        Ok(Self { state, changed: now, ..self.clone() })
    }

    fn no<T>(&self, code: &str, by: &PartyName, en: &str, zh: &str) -> Checked<T> {
        let what = (format!("dispute `{}` {en}", self.id), format!("争议 `{}` {zh}", self.id));
        refuse(code, by, what, ("follow mediation, opinions, decision in this order", "按协商、征求意见、政府确定的顺序办理"))
    }

    fn mediator(&self, by: &PartyName) -> Checked<()> {
        if *by == self.authority {
            return Ok(());
        }
        self.no("dispute.not-mediator", by, "is led by the authority only", "只能由主管部门协商办理")
    }

    /// Experts are heard, enough members are asked, and neither side is among them.
    fn panel(&self, asked: &BTreeSet<String>, by: &PartyName, rules: &DisputeRules) -> Checked<()> {
        let members = asked.iter().filter(|org| **org != rules.expert_group).count() as u64;
        let sides = [self.id.organisation(), self.dataset.organisation()];
        let fair =
            asked.contains(&rules.expert_group) && members >= u64::from(rules.min_members) && !sides.iter().any(|s| asked.contains(*s));
        if fair {
            return Ok(());
        }
        let en = "is put to the experts and enough members, and to neither side";
        self.no("dispute.panel", by, en, "须征求专家组与足够成员单位的意见，且不含争议双方")
    }
}
