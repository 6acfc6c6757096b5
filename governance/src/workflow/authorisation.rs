//! The authorisation, from announcement to destruction (A2, A4, A8-A10, A22-A26, L1, L3-L5, C5).
//!
//! Between application and activation the profile's stages pass one by one in the profile's order; none is skipped. Activation
//! needs all of them, a contingency plan in force, unexpired qualifications and a term that has not ended. What ended never
//! comes back: renewal is a new application.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dossier::{Opinion, ReviewForm};
use super::role::{Need, Role, each};
use super::word::words;
use super::{Machine, no_arrow, refuse};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::text::Text;

mod force;
mod procedure;
mod rules;

pub use rules::{Rules, Stage, StageRule};

words! {
    /// Where an authorisation stands.
    State {
        New = "new", "未开始", "Nothing happened yet.";
        Announced = "announced", "已公告", "The announcement is out (A22).";
        Applied = "applied", "已申请", "The dossier is in.";
        Incomplete = "incomplete", "待补正", "The one notice of everything missing is out (A8).";
        Complete = "complete", "材料齐全", "The dossier is complete.";
        Reviewed = "reviewed", "初审通过", "Preliminary review passed.";
        Assessed = "assessed", "已评审", "Experts gave their opinions.";
        Decided = "decided", "审议通过", "The meeting decided for it.";
        Published = "published", "已公布", "Published.";
        Filed = "filed", "已备案", "Filed with the province.";
        Adopted = "adopted", "方案已审定", "The implementation plan is adopted.";
        Selected = "selected", "已择优选定", "The operator is chosen.";
        Signed = "signed", "协议待用章", "The agreement is signed, the seal is missing.";
        Agreed = "agreed", "协议成立", "The agreement stands.";
        Active = "active", "运营中", "Jobs may run.";
        Suspended = "suspended", "已暂停", "Access is closed for the time being (L3).";
        Correcting = "correcting", "整改中", "A correction is ordered (C5).";
        Corrected = "corrected", "整改待复核", "The correction is reported.";
        Refused = "refused", "未通过", "Refused, with reasons.";
        Withdrawn = "withdrawn", "已撤回", "Taken back by the applicant.";
        Expired = "expired", "已到期", "The term ended (A4).";
        Terminated = "terminated", "已终止", "Ended before its term (L1).";
        Sealed = "sealed", "已封存", "Sealed instead of destroyed: a matter is open.";
        Destroyed = "destroyed", "已销毁", "Everything is destroyed.";
    }
}

words! {
    /// Why an authorisation ended before its term (L4, ZZ 32).
    Cause {
        AtRequest = "at-request", "自行申请终止", "The operator asked for it.";
        Breach = "breach", "违反协议", "The agreement was broken.";
        CorrectionFailed = "correction-failed", "整改不力", "The correction was not made, or not in time.";
        PoorEvaluation = "poor-evaluation", "评估不合格", "Evaluation stays poor, or failed as often as the profile allows.";
        LawChanged = "law-changed", "法规政策变化", "Law or policy changed.";
        Unlawful = "unlawful", "违法违规", "Another breach of the law.";
        ParentRevoked = "parent-revoked", "上级授权终止", "The grant that it hangs on was revoked (A14).";
    }
}

/// What happens to an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The file is opened under an announcement.
    Announce {
        /// Hash of the announcement.
        announcement: Hash,
        /// First second of the window.
        opens: Time,
        /// First second after the window.
        closes: Time,
    },
    /// The dossier comes in.
    Apply {
        /// The announcement that is cited.
        announcement: Hash,
        /// Names of the documents in the dossier.
        documents: BTreeSet<String>,
        /// Hash of the report on the test in the data lab (A7).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_report: Option<Hash>,
        /// Qualifications with the first second at which each is no longer proved.
        qualifications: BTreeMap<String, Time>,
    },
    /// The one notice of everything that is missing (A8).
    Notify {
        /// Names of all missing documents.
        missing: BTreeSet<String>,
    },
    /// The applicant supplies what was missing.
    Supplement {
        /// Names of the documents.
        documents: BTreeSet<String>,
    },
    /// A qualification is proved anew (A23).
    Qualify {
        /// Which.
        name: String,
        /// First second at which it is no longer proved.
        until: Time,
    },
    /// The dossier is complete.
    Complete,
    /// Preliminary review passed.
    Review {
        /// The review form, where the profile closes it here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<ReviewForm>,
    },
    /// Experts gave their opinions.
    Assess {
        /// The opinions.
        opinions: Vec<Opinion>,
        /// The review form, where the profile closes it here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<ReviewForm>,
    },
    /// The meeting decided for it; the evidence is the minutes.
    Decide,
    /// Published; the evidence is what was published.
    Publish,
    /// Filed; the evidence is the filing package.
    File {
        /// Hash of the receipt.
        receipt: Hash,
    },
    /// The implementation plan was adopted; the evidence is the decision.
    Adopt,
    /// The operator was chosen; the evidence is the record of procurement.
    Select,
    /// The agreement is signed.
    Agree {
        /// Hash of the agreement.
        agreement: Hash,
        /// First valid second.
        not_before: Time,
        /// First second that is no longer valid.
        not_after: Time,
        /// The authority's recorded decision on a longer term than usual (A4).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        longer: Option<Hash>,
    },
    /// The seal stands under the agreement.
    Stamp {
        /// Hash of the agreement.
        agreement: Hash,
    },
    /// Not approved at the present stage.
    Refuse {
        /// Why.
        reason: Text,
    },
    /// The applicant takes the application back.
    Withdraw,
    /// A contingency plan comes into force (A2).
    PlanIn {
        /// Hash of the plan.
        plan: Hash,
    },
    /// The plan is withdrawn.
    PlanOut,
    /// Access is opened (H3).
    Activate,
    /// Access is closed for the time being.
    Suspend {
        /// Why.
        reason: Text,
    },
    /// A correction is ordered.
    Order {
        /// What.
        what: Text,
        /// First second at which it is too late.
        until: Time,
    },
    /// The operator reports the correction; the evidence shows it.
    Report,
    /// Access is opened again.
    Reopen,
    /// The end of the term is recorded.
    Expire,
    /// Ended before the term.
    Terminate {
        /// Why.
        cause: Cause,
    },
    /// An incident or dispute is open: nothing of it may be destroyed.
    OpenMatter {
        /// Its hash.
        matter: Hash,
    },
    /// It is closed.
    CloseMatter {
        /// Its hash.
        matter: Hash,
    },
    /// Everything is destroyed; the evidence is the certificate.
    Destroy,
    /// Everything is sealed to the authority.
    Seal,
}

/// One authorisation with what later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    /// How many stages of the order are done.
    passed: usize,
    published: bool,
    announcement: Option<(Hash, Time, Time)>,
    documents: BTreeSet<String>,
    noticed: bool,
    qualified: BTreeMap<String, Time>,
    agreement: Option<Hash>,
    term: Option<(Time, Time)>,
    plan: Option<Hash>,
    until: Option<Time>,
    matters: BTreeSet<Hash>,
}

impl Case {
    /// Whether jobs may run at this moment.
    #[must_use]
    pub fn may_run(&self, at: Time) -> bool {
        self.state_at(at) == State::Active && self.term.is_some_and(|(from, to)| from <= at && at < to)
    }

    /// First and first-after second of the term, once agreed.
    #[must_use]
    pub const fn term(&self) -> Option<(Time, Time)> {
        self.term
    }

    /// Hash of the agreement, once signed.
    #[must_use]
    pub const fn agreement(&self) -> Option<Hash> {
        self.agreement
    }

    /// The plan in force.
    #[must_use]
    pub const fn plan(&self) -> Option<Hash> {
        self.plan
    }

    /// Incidents and disputes that are open: nothing of it may be destroyed.
    #[must_use]
    pub const fn matters(&self) -> &BTreeSet<Hash> {
        &self.matters
    }

    /// Documents of the profile's list that are not in the dossier: what the one notice must name.
    #[must_use]
    pub fn gaps(&self, rules: &Rules) -> BTreeSet<String> {
        rules.documents.difference(&self.documents).cloned().collect()
    }

    /// The stage that comes next.
    #[must_use]
    pub fn awaited(&self, rules: &Rules) -> Option<Stage> {
        rules.order.get(self.passed).map(|rule| rule.stage)
    }

    /// Whether the stage of publication has passed.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.published
    }

    /// From when on the window for renewal reminders is open: `days` before the end of the term (A4).
    #[must_use]
    pub fn renewal_from(&self, days: i64) -> Option<Time> {
        self.term.map(|(_, end)| end.plus_days(days.saturating_neg()))
    }

    const fn ended(state: State) -> bool {
        matches!(state, State::Refused | State::Withdrawn | State::Expired | State::Terminated | State::Sealed | State::Destroyed)
    }

    const fn running(state: State) -> bool {
        matches!(state, State::Active | State::Suspended | State::Correcting | State::Corrected)
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-authorisation-v1";

    fn begin() -> Self {
        Self {
            state: State::New,
            passed: 0,
            published: false,
            announcement: None,
            documents: BTreeSet::new(),
            noticed: false,
            qualified: BTreeMap::new(),
            agreement: None,
            term: None,
            plan: None,
            until: None,
            matters: BTreeSet::new(),
        }
    }

    fn state_at(&self, at: Time) -> State {
        match self.term {
            Some((_, end)) if at >= end && Self::running(self.state) => State::Expired,
            _ => self.state,
        }
    }

    fn next(&self, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        rules.check()?;
        let here = self.state_at(at);
        match (here, event) {
            (State::New | State::Announced | State::Applied | State::Incomplete, _) => self.apply(here, event, at, rules),
            (state, Event::OpenMatter { .. } | Event::CloseMatter { .. }) => self.matter(state, event),
            (state, _) if Self::running(state) => self.in_force(state, event, at, rules),
            (state, _) if Self::ended(state) => self.at_the_end(state, event),
            (state, _) => self.stages(state, event, at, rules),
        }
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        let one = |role| vec![Need::role(role)];
        match event {
            Event::Announce { .. } | Event::Activate | Event::Order { .. } | Event::Reopen | Event::Destroy | Event::Seal => {
                one(Role::Authority)
            }
            Event::Apply { .. } | Event::Supplement { .. } | Event::Withdraw | Event::Report => one(Role::Licensee),
            // the authority has seen the proof (A23)
            Event::Qualify { .. } => vec![Need::role(Role::Licensee), Need::role(Role::Authority)],
            Event::Notify { .. } | Event::Complete => one(rules.by(Stage::Completeness)),
            Event::Review { .. } => one(rules.by(Stage::Preliminary)),
            Event::Assess { opinions, .. } => {
                let experts = opinions.iter().map(|o| Need::of(Role::Expert, o.expert.clone()));
                std::iter::once(Need::role(rules.by(Stage::Expert))).chain(experts).collect()
            }
            Event::Decide => each(&rules.decide_by),
            Event::Publish => one(rules.by(Stage::Publication)),
            Event::File { .. } => one(rules.by(Stage::Filing)),
            Event::Adopt => one(rules.by(Stage::Scheme)),
            Event::Select => one(rules.by(Stage::Selection)),
            Event::Stamp { .. } => one(rules.by(Stage::Stamp)),
            Event::Agree { .. } => each(&rules.agreement_by),
            Event::Refuse { .. } => one(self.awaited(rules).map_or(Role::Authority, |stage| rules.by(stage))),
            Event::PlanIn { .. } | Event::PlanOut => {
                vec![Need::any(&[rules.plan_by.as_slice(), &[Role::Authority]].concat())]
            }
            Event::Suspend { .. } => vec![Need::any(&rules.suspend_by)],
            Event::Expire => vec![Need::any(&[Role::Authority, Role::Clock])],
            // whoever is said to have asked for it signs that it did
            Event::Terminate { cause: Cause::AtRequest } if !rules.terminate_by.contains(&Role::Licensee) => {
                each(&[rules.terminate_by.as_slice(), &[Role::Licensee]].concat())
            }
            Event::Terminate { .. } => each(&rules.terminate_by),
            Event::OpenMatter { .. } | Event::CloseMatter { .. } => vec![Need::any(&[Role::Authority, Role::Regulator])],
        }
    }
}
