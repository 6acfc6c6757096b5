//! A drill: a fake incident is injected by one organisation, another handles it step by step after its plan, both sign.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::authorisation::ContingencyPlan;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::grant::plan_hash;
use crate::id::{AuthorisationId, JobId, PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

/// Whose plan is practised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// The plan of an authorisation (A2).
    Authorisation {
        /// Which.
        id: AuthorisationId,
    },
    /// The plan of a node (D14).
    Node {
        /// Which.
        name: PartyName,
    },
}

/// The fake incident. Its type in the signed bytes is its own: it never passes for a real one, and no real one for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Format version, 1.
    pub v: u32,
    /// Whose plan.
    pub target: Target,
    /// The plan in force ([`plan_hash`]).
    pub plan: Hash,
    /// Who injects and watches, of another organisation than the plan's owner; signs.
    pub observer: PartyName,
    /// What is assumed to have happened.
    pub scenario: Text,
    /// The job that is stopped on purpose, where one is: what every party's log says of it afterwards is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// When it was injected: response times count from here.
    pub at: Time,
}

impl SignedType for Injection {
    const TYPE: &'static str = "drill-injection-v1";
}

impl Injection {
    /// Checks an injection before it is handled; `plan` is the one in force, `now` the moment at which it arrives, `skew` the seconds by which clocks
    /// may differ.
    ///
    /// # Errors
    /// All at once: `drill.malformed`, `drill.plan`, `drill.observer` as in [`Drills::add`]; `drill.stale` for one that is dated back by more than an
    /// hour, or ahead: whoever sets the hour afterwards has no response time to show.
    pub fn check(&self, plan: &ContingencyPlan, now: Time, skew: i64) -> Checked<()> {
        let in_force = plan_hash(plan).map_err(|error| broken("drill.malformed", &self.observer, &error))?;
        let rules = [
            (self.v == 1 && !self.scenario.is_blank(), "drill.malformed", ("it says nothing", "内容空缺")),
            (self.plan == in_force, "drill.plan", ("it practises another plan than the one in force", "演练所依预案并非现行预案")),
            (
                self.observer.organisation() != plan.owner,
                "drill.observer",
                ("another organisation than the plan's owner must watch", "应由预案单位以外的单位观察"),
            ),
            (
                self.at.plus_seconds(OLDEST) >= now && self.at <= now.plus_seconds(skew),
                "drill.stale",
                ("it is dated back or ahead", "注入时间提前或滞后"),
            ),
        ];
        let remedy = ("inject it anew", "重新注入");
        let found = rules.into_iter().filter(|(holds, ..)| !holds);
        unless(found.map(|(_, code, what)| Finding::new(code, &self.observer, what, remedy)).collect(), ())
    }
}

/// Seconds by which an injection may be older than its arrival: our number.
const OLDEST: i64 = 3_600;

/// One step of the plan, done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// When.
    pub at: Time,
    /// Hash of what shows it: a log range, a message, a photograph.
    pub evidence: Hash,
}

/// How it was handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillRecord {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the injection.
    pub injection: Hash,
    /// Who handled it, of the plan's owner; signs, as the observer does.
    pub handler: PartyName,
    /// Every step of the plan in its order.
    pub steps: Vec<Done>,
    /// What must be better; empty if nothing.
    pub shortcomings: Vec<Text>,
    /// When the drill ended.
    pub ended: Time,
}

impl SignedType for DrillRecord {
    const TYPE: &'static str = "drill-record-v1";
}

/// A drill that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose plan.
    pub target: Target,
    /// Which plan.
    pub plan: Hash,
    /// When it ended.
    pub ended: Time,
    /// Seconds from the injection to the first step.
    pub response: u64,
    /// What must be better.
    pub shortcomings: usize,
}

/// All drills that hold. Evidence shows one drill only.
#[derive(Debug, Clone, Default)]
pub struct Drills {
    held: Vec<Held>,
    injections: BTreeSet<Hash>,
    evidence: BTreeSet<Hash>,
}

impl Drills {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a drill in; `plan` is the one in force, `now` the moment at which the record arrives.
    ///
    /// # Errors
    /// All at once: `drill.signature`, `drill.plan` for another plan than the one in force, `drill.observer` for a plan's owner
    /// who watches himself, `drill.steps` unless every step of the plan is shown once, `drill.order` for steps out of order,
    /// before the injection, or in the future, `drill.replayed` for evidence or an injection of an earlier drill,
    /// `drill.malformed`.
    pub fn add(
        &mut self,
        injection: &Signed<Injection>,
        record: &Signed<DrillRecord>,
        plan: &ContingencyPlan,
        now: Time,
        keys: &KeyRing,
    ) -> Checked<&Held> {
        let (observer, handler) = (&injection.payload.observer, &record.payload.handler);
        let injected = injection.verify(keys, &[observer.as_str()]).map_err(|error| broken("drill.signature", observer, &error))?;
        let drill =
            record.verify(keys, &[handler.as_str(), observer.as_str()]).map_err(|error| broken("drill.signature", handler, &error))?;
        let malformed = |error: crate::Error| broken("drill.malformed", handler, &error);
        let (cited, in_force) = (document_hash(injected).map_err(malformed)?, plan_hash(plan).map_err(malformed)?);
        let times: Vec<Time> = drill.steps.iter().map(|step| step.at).chain([drill.ended]).collect();
        let shown: BTreeSet<Hash> = drill.steps.iter().map(|step| step.evidence).collect();
        let sound = injected.v == 1
            && drill.v == 1
            && drill.injection == cited
            && !injected.scenario.is_blank()
            && drill.shortcomings.iter().all(|text| !text.is_blank());
        let ordered = times.is_sorted() && times.first().is_some_and(|first| injected.at <= *first) && drill.ended <= now;
        let fresh = shown.is_disjoint(&self.evidence) && !self.injections.contains(&cited) && shown.len() == drill.steps.len();
        let apart = observer.organisation() != plan.owner && handler.organisation() == plan.owner;
        let rules = [
            (sound, "drill.malformed", ("the two documents do not belong together, or say nothing", "两份文件不匹配或内容空缺")),
            (injected.plan == in_force, "drill.plan", ("it practises another plan than the one in force", "演练所依预案并非现行预案")),
            (
                apart,
                "drill.observer",
                ("the plan's owner must handle it, and another organisation must watch", "应由预案单位处置、由其他单位观察"),
            ),
            (
                drill.steps.len() == plan.steps.len() && plan.missing().is_empty(),
                "drill.steps",
                ("not every step of the plan is shown", "未逐步展示预案全部步骤"),
            ),
            (ordered, "drill.order", ("the steps are out of order, before the injection, or in the future", "步骤时间顺序有误")),
            (fresh, "drill.replayed", ("evidence or injection were used before", "证据或情景曾用于其他步骤或演练")),
        ];
        let remedy = ("hold the drill and record it step by step", "实际开展演练并逐步记录");
        let found = rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, what)| Finding::new(code, handler, what, remedy));
        unless(found.collect(), ())?;
        let first = drill.steps.first().map_or(drill.ended, |step| step.at);
        self.injections.insert(cited);
        self.evidence.extend(shown);
        self.held.push(Held {
            target: injected.target.clone(),
            plan: in_force,
            ended: drill.ended,
            response: u64::try_from(first.unix().saturating_sub(injected.at.unix())).unwrap_or_default(),
            shortcomings: drill.shortcomings.len(),
        });
        match self.held.last() {
            Some(held) => Ok(held),
            None => refuse("drill.malformed", handler, ("nothing was recorded", "没有记录"), remedy),
        }
    }

    /// The last drill of a target, by whatever version of its plan was in force then.
    #[must_use]
    pub fn last(&self, target: &Target) -> Option<&Held> {
        self.held.iter().filter(|held| held.target == *target).max_by_key(|held| held.ended)
    }

    /// All that hold, in the order in which they came.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }
}
