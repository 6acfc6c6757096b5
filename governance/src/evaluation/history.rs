//! Years in their order: a fail leads to a correction, several in a row to the proposal to terminate (TZ 五(四)).
//!
//! The proposal ends nothing: the coordination body agrees, then the authority ends the authorisation with the cause
//! `poor-evaluation`. A missed evaluation neither counts as a fail nor breaks a row of fails; it is overdue, and named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scorecard::Judged;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::profile::{Effective, Fails};
use crate::sign::{KeyRing, Signed, SignedType};

/// What the last evaluations lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// Passed, or nothing is judged yet.
    None,
    /// Failed: correction within a period (限期整改, C5).
    Correct {
        /// Fails in a row.
        fails: u32,
    },
    /// Failed as often in a row as the profile allows: propose to terminate.
    Propose {
        /// The scorecards of the row, oldest first.
        cards: Vec<Hash>,
    },
}

/// All evaluations of one organisation.
#[derive(Debug, Clone)]
pub struct History {
    evaluated: String,
    /// By the first second of the period.
    judged: BTreeMap<Time, Judged>,
}

impl History {
    /// Nothing is judged yet.
    pub fn new(evaluated: impl Into<String>) -> Self {
        Self { evaluated: evaluated.into(), judged: BTreeMap::new() }
    }

    /// Takes an evaluation in, in any order; the same one again changes nothing.
    ///
    /// # Errors
    /// `evaluation.other` for another organisation; `evaluation.twice` for a period that overlaps one that was judged: a second
    /// scorecard does not wash away the first, and one year does not count as two.
    pub fn add(&mut self, judged: Judged) -> Checked<()> {
        if judged.evaluated != self.evaluated {
            let what = (format!("it is about `{}`", judged.evaluated), format!("评估对象为 `{}`", judged.evaluated));
            return refuse("evaluation.other", &self.evaluated, what, ("keep one history for each", "各单位分别建档"));
        }
        let overlaps = |known: &&Judged| known.period.0 < judged.period.1 && judged.period.0 < known.period.1;
        match self.judged.values().find(overlaps) {
            Some(known) if *known == judged => Ok(()),
            Some(known) => {
                let what = (
                    format!("the time from {} to {} was judged already", known.period.0, known.period.1),
                    format!("{} 至 {} 已评估", known.period.0, known.period.1),
                );
                refuse("evaluation.twice", &self.evaluated, what, ("one evaluation for each period", "每期只评估一次"))
            }
            None => {
                self.judged.insert(judged.period.0, judged);
                Ok(())
            }
        }
    }

    /// Fails in a row up to the last evaluation, oldest first.
    #[must_use]
    pub fn fails(&self) -> Vec<Hash> {
        let mut cards: Vec<Hash> = self.judged.values().rev().take_while(|judged| !judged.passed).map(|judged| judged.card).collect();
        cards.reverse();
        cards
    }

    /// What follows under the profile.
    #[must_use]
    pub fn consequence(&self, rule: Fails) -> Consequence {
        let cards = self.fails();
        let fails = u32::try_from(cards.len()).unwrap_or(u32::MAX);
        match rule {
            _ if fails == 0 => Consequence::None,
            Fails::After(most) if fails >= most => Consequence::Propose { cards },
            Fails::After(_) | Fails::Unset => Consequence::Correct { fails },
        }
    }

    /// The alarm if the next evaluation is overdue: the interval is the profile's, counted from the end of the last period, or
    /// from `since`, when the authorisation became active.
    #[must_use]
    pub fn overdue(&self, profile: &Effective, since: Time, now: Time) -> Option<Finding> {
        let months = profile.rules().evaluation_interval.value.0;
        let from = self.judged.values().next_back().map_or(since, |judged| judged.period.1.max(since));
        let due = from.plus_months(months);
        (now > due).then(|| {
            let what = (format!("its evaluation was due at {due}"), format!("其评估应于 {due} 前完成"));
            Finding::new("evaluation.overdue", &self.evaluated, what, ("evaluate it", "开展评估"))
        })
    }
}

/// The proposal to terminate an authorisation, signed by the authority; the coordination body's signature is the consent
/// that TZ 五(四) asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminationProposal {
    /// Format version, 1.
    pub v: u32,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// Who is authorised.
    pub licensee: String,
    /// Who proposes and signs.
    pub authority: PartyName,
    /// The body that agrees and signs.
    pub coordination: PartyName,
    /// The scorecards of the fails, oldest first.
    pub cards: Vec<Hash>,
    /// When.
    pub at: Time,
}

impl SignedType for TerminationProposal {
    const TYPE: &'static str = "termination-proposal-v1";
}

impl TerminationProposal {
    /// Checks that it is agreed on and rests on exactly the fails that lead to it; gives the hash that the workflow's event of
    /// termination cites as evidence.
    ///
    /// # Errors
    /// `evaluation.signature` unless both signed; `evaluation.proposal` if the profile's number is not reached, or other
    /// scorecards are cited.
    pub fn verify(signed: &Signed<Self>, history: &History, rule: Fails, keys: &KeyRing) -> Checked<Hash> {
        let (authority, body) = (&signed.payload.authority, &signed.payload.coordination);
        let proposal =
            signed.verify(keys, &[authority.as_str(), body.as_str()]).map_err(|error| broken("evaluation.signature", authority, &error))?;
        let due = Consequence::Propose { cards: proposal.cards.clone() };
        if proposal.v != 1 || authority == body || proposal.licensee != history.evaluated || history.consequence(rule) != due {
            let what = (
                "it does not rest on as many fails in a row as the profile asks for, or one side signs for both",
                "未达到规则所定的连续不合格次数，或一方代签",
            );
            return refuse("evaluation.proposal", authority, what, ("cite the scorecards of the last row", "列明最近连续不合格的评分表"));
        }
        document_hash(proposal).map_err(|error| broken("evaluation.proposal", authority, &error))
    }
}
