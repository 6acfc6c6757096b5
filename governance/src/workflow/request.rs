//! A data request (申请): checked, approved by every reviewer of the profile, supplied (A17, A20, A21, C2-C4).
//!
//! Outside the agreed list it is refused as it comes in. Inside the list data must be supplied: a refusal there needs a
//! reason, is reported to the authority, and stands only if the authority upholds it. A lapse counts as approval only for
//! the reviewers that the profile names, never for the consent of the level above.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::role::{Need, Role, Signer};
use super::word::words;
use super::{Machine, need_reason, no_arrow, refuse};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::deadline::DeemedConsent;
use crate::error::Result;
use crate::text::Text;

words! {
    /// Where a request stands.
    State {
        New = "new", "未提交", "Nothing yet.";
        Submitted = "submitted", "已提交", "Waits for the check.";
        InReview = "in-review", "审核中", "Waits for its reviewers.";
        Objected = "objected", "已提异议", "Refused though agreed; must be reported to the authority (A20).";
        Reported = "reported", "异议已上报", "The authority decides on the refusal.";
        Granted = "granted", "已通过", "Data are supplied.";
        Refused = "refused", "未通过", "Refused, with reasons.";
        Withdrawn = "withdrawn", "已撤回", "Taken back, or the supply was withdrawn (A21).";
    }
}

/// What a profile says about requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who checks before the reviewers see it, if the profile has a check (C2).
    pub checked_by: Option<Role>,
    /// Every one of these approves (C3).
    pub reviewers: BTreeSet<Role>,
    /// Who consents in addition for data of a higher level (A17).
    pub higher_level: Role,
    /// Reviewers whose lapse counts as approval (C4).
    pub deemed: BTreeSet<Role>,
}

impl Rules {
    /// Whether the rules can be followed at all.
    ///
    /// # Errors
    /// `Refused` with `rules.request`: nobody would approve, or the level above could lapse.
    pub fn check(&self) -> Result<()> {
        if self.reviewers.is_empty() || self.deemed.contains(&self.higher_level) || !self.deemed.is_subset(&self.reviewers) {
            return Err(refuse("rules.request", "name a reviewer; only reviewers lapse, never the level above"));
        }
        Ok(())
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// It comes in. What it touches is co-signed by the checker or the authority: the asker alone does not say what needs more consent.
    Submit {
        /// Hash of the application's payload.
        application: Hash,
        /// Columns that are asked for and not in the agreed list.
        outside: BTreeSet<String>,
        /// Whether data of a higher level are among them (A17).
        higher_level: bool,
    },
    /// The check passed.
    Check,
    /// One reviewer approves.
    Approve {
        /// In which role.
        reviewer: Role,
    },
    /// One reviewer let the time pass; the evidence is the record of its clock.
    Lapse {
        /// Which.
        reviewer: Role,
        /// What clock service and regulator state of this reviewer and this application; their signatures are those of the arrow.
        statement: DeemedConsent,
    },
    /// The check or a reviewer refuses.
    Refuse {
        /// In which role.
        by: Role,
        /// Why.
        reason: Text,
    },
    /// A refusal of agreed data is reported to the authority.
    Report,
    /// The authority upholds the refusal.
    Uphold {
        /// Why.
        reason: Text,
    },
    /// The authority overrules it: the data must be supplied.
    Overrule {
        /// Why.
        reason: Text,
    },
    /// The asker takes it back, or the provider withdraws the supply.
    Withdraw {
        /// Why.
        reason: Text,
    },
}

/// One request with what later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    application: Option<Hash>,
    approved: BTreeSet<Role>,
    higher: bool,
    objector: Option<Role>,
}

impl Case {
    /// Reviewers whose approval is still missing.
    #[must_use]
    pub fn awaited(&self, rules: &Rules) -> BTreeSet<Role> {
        let higher = self.higher.then_some(rules.higher_level);
        rules.reviewers.iter().copied().chain(higher).filter(|role| !self.approved.contains(role)).collect()
    }

    fn approve(&self, reviewer: Role, rules: &Rules) -> Result<Self> {
        let mut next = self.clone();
        if !self.awaited(rules).contains(&reviewer) {
            return Err(refuse("request.not-awaited", format!("`{reviewer}` is no reviewer here, or has approved already")));
        }
        next.approved.insert(reviewer);
        next.objector = None;
        next.state = if next.awaited(rules).is_empty() { State::Granted } else { State::InReview };
        Ok(next)
    }

    /// A lapse counts from its first second on, for the application that lapsed.
    fn lapse(&self, reviewer: Role, statement: &DeemedConsent, at: Time, rules: &Rules) -> Result<Self> {
        if !rules.deemed.contains(&reviewer) {
            return Err(refuse("request.no-deemed-consent", format!("silence of `{reviewer}` is no approval in this profile")));
        }
        if statement.v != 1 || self.application != Some(statement.application) {
            return Err(refuse("request.other-lapse", "the statement is on another application"));
        }
        if at < statement.since || statement.since <= statement.delivered {
            return Err(refuse("request.not-lapsed", format!("`{}` may answer until {}", statement.reviewer, statement.since)));
        }
        self.approve(reviewer, rules)
    }

    fn refused(&self, by: Role, reason: &Text, rules: &Rules) -> Result<Self> {
        need_reason(reason)?;
        let checker = self.state == State::Submitted && rules.checked_by == Some(by);
        if checker {
            return Ok(Self { state: State::Refused, ..self.clone() });
        }
        if self.state != State::InReview || !self.awaited(rules).contains(&by) {
            return Err(refuse("request.not-awaited", format!("`{by}` has nothing to decide here")));
        }
        // the level above may refuse its own data: the list was agreed with others
        let state = if self.higher && by == rules.higher_level { State::Refused } else { State::Objected };
        Ok(Self { state, objector: Some(by), ..self.clone() })
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-request-v1";

    fn begin() -> Self {
        Self { state: State::New, application: None, approved: BTreeSet::new(), higher: false, objector: None }
    }

    fn state_at(&self, _: Time) -> State {
        self.state
    }

    fn next(&self, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        rules.check()?;
        let to = |state| Self { state, ..self.clone() };
        Ok(match (self.state, event) {
            (State::New, Event::Submit { application, outside, higher_level }) => {
                let state = match (outside.is_empty(), rules.checked_by) {
                    (false, _) => State::Refused,
                    (true, Some(_)) => State::Submitted,
                    (true, None) => State::InReview,
                };
                Self { application: Some(*application), higher: *higher_level, ..to(state) }
            }
            (State::Submitted, Event::Check) => to(State::InReview),
            (State::Submitted, Event::Approve { .. } | Event::Lapse { .. }) => {
                return Err(refuse("request.not-checked", "the check comes first, and a check never lapses"));
            }
            (State::InReview, Event::Approve { reviewer }) => self.approve(*reviewer, rules)?,
            (State::InReview, Event::Lapse { reviewer, statement }) => self.lapse(*reviewer, statement, at, rules)?,
            (State::Submitted | State::InReview, Event::Refuse { by, reason }) => self.refused(*by, reason, rules)?,
            (State::Objected, Event::Report) => to(State::Reported),
            (State::Reported, Event::Uphold { reason }) => {
                need_reason(reason)?;
                to(State::Refused)
            }
            (State::Reported, Event::Overrule { reason }) => {
                need_reason(reason)?;
                let objector = self.objector.ok_or_else(|| no_arrow(self.state, event))?;
                self.approve(objector, rules)?
            }
            (State::Submitted | State::InReview | State::Objected | State::Reported | State::Granted, Event::Withdraw { reason }) => {
                need_reason(reason)?;
                to(State::Withdrawn)
            }
            (here, _) => return Err(no_arrow(here, event)),
        })
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        let askers = [Role::Licensee, Role::Developer];
        match event {
            Event::Submit { .. } => vec![Need::any(&askers), Need::any(&[rules.checked_by.unwrap_or(Role::Checker), Role::Authority])],
            Event::Check => vec![Need::role(rules.checked_by.unwrap_or(Role::Checker))],
            Event::Approve { reviewer } => vec![Need::role(*reviewer)],
            // the platform profits from the lapse: the regulator's node countersigns (C4)
            Event::Lapse { .. } => vec![Need::role(Role::Clock), Need::role(Role::Regulator)],
            Event::Refuse { by, .. } => vec![Need::role(*by)],
            Event::Report => vec![Need::any(&[self.objector.unwrap_or(Role::Provider), Role::Platform])],
            Event::Uphold { .. } | Event::Overrule { .. } => vec![Need::role(Role::Authority)],
            Event::Withdraw { .. } if self.state == State::Granted => vec![Need::role(Role::Provider)],
            Event::Withdraw { .. } => vec![Need::any(&askers)],
        }
    }

    fn speaks_of(&self, event: &Event) -> Vec<Signer> {
        match event {
            Event::Lapse { reviewer, statement } => vec![Signer { role: *reviewer, party: statement.reviewer.clone() }],
            _ => Vec::new(),
        }
    }
}
