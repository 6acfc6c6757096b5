//! Authorisations (授权): the signed right for exactly one scenario, with one contingency plan and a term.
//!
//! A1: the type has room for one [`Scenario`] and one [`Purpose`] only, and neither can be a list or a pattern,
//! so an authorisation that covers two scenarios cannot be written down. A2: without a complete contingency plan
//! (应急预案) no operation. A4: the term ends the authorisation, for running jobs as well.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::Finding;
use crate::grant::{Measures, Quota};
use crate::id::{AuthorisationId, ColumnSet, DatasetId, Environment, PartyName, Purpose, Scenario};
use crate::sign::SignedType;
use crate::text::Text;

/// Columns of one data set that the authorisation covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The data set; there are no wildcards.
    pub dataset: DatasetId,
    /// The columns; there is no "all" (A5).
    pub columns: ColumnSet,
    /// How much may be used in all, over the whole term (A19); absent: as often as the policies allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Measures>,
}

/// Contingency plan (应急预案), A2. Who writes it differs between the rule texts, so it names its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContingencyPlan {
    /// The organisation that wrote and keeps the plan.
    pub owner: String,
    /// Which incidents it covers.
    pub scope: String,
    /// Who is called; posts and numbers of duty, at least one.
    pub contacts: Vec<String>,
    /// What is done, in order, at least one.
    pub steps: Vec<String>,
    /// Days between drills (A3), at least one.
    pub drill_interval_days: u32,
}

impl ContingencyPlan {
    /// The names of the parts that are missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let blank = |lines: &[String]| lines.is_empty() || lines.iter().any(|l| l.trim().is_empty());
        let parts = [
            ("owner", self.owner.trim().is_empty()),
            ("scope", self.scope.trim().is_empty()),
            ("contacts", blank(&self.contacts)),
            ("steps", blank(&self.steps)),
            ("drill_interval_days", self.drill_interval_days == 0),
        ];
        parts.into_iter().filter_map(|(name, absent)| absent.then_some(name)).collect()
    }
}

/// One authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// Format version, 1.
    pub v: u32,
    /// Its name.
    pub id: AuthorisationId,
    /// Where it is valid.
    pub environment: Environment,
    /// The authority (公共数据主管部门) whose node signs it.
    pub authority: PartyName,
    /// The organisation that is authorised (授权运营单位).
    pub licensee: String,
    /// The one scenario.
    pub scenario: Scenario,
    /// The one purpose.
    pub purpose: Purpose,
    /// What may be used, imports included (P4).
    pub datasets: Vec<Grant>,
    /// The plan; absent means that nothing may run (A2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contingency_plan: Option<ContingencyPlan>,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
}

impl SignedType for Authorisation {
    const TYPE: &'static str = "authorisation-v1";
}

impl Authorisation {
    /// The columns of a data set that are covered.
    #[must_use]
    pub fn grant(&self, dataset: &DatasetId) -> Option<&ColumnSet> {
        self.datasets.iter().find(|g| g.dataset == *dataset).map(|g| &g.columns)
    }

    /// The quota of each data set that has one (A19).
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.datasets.iter().filter_map(|g| Some((g.dataset.clone(), g.quota?))).collect()
    }

    /// Whether `at` lies in the term.
    #[must_use]
    pub fn covers(&self, at: Time) -> bool {
        self.not_before <= at && at < self.not_after
    }

    /// What is wrong with the document itself at the moment `now`; empty means in force. `max_term_years` is the
    /// profile's (A4: in general three).
    #[must_use]
    pub fn check(&self, now: Time, max_term_years: i32) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, what: (String, String), remedy: (&str, &str)| {
            found.push(Finding::new(code, &self.authority, what, remedy));
        };
        let id = &self.id;
        if self.v != 1 {
            add(
                "authorisation.version-unknown",
                (format!("`{id}` has format {}, this node knows 1", self.v), format!("授权 `{id}` 的格式为 {}，本节点只识别 1", self.v)),
                ("use the same release of yu on both sides", "双方使用同一版本的 yu"),
            );
        }
        if now < self.not_before {
            add(
                "authorisation.not-yet-valid",
                (
                    format!("`{id}` is valid from {}, now it is {now}", self.not_before),
                    format!("授权 `{id}` 自 {} 起生效，当前为 {now}", self.not_before),
                ),
                ("wait for the term to begin, or check the clock with `yu doctor`", "等待授权生效，或用 `yu doctor` 检查时钟"),
            );
        }
        if now >= self.not_after {
            add(
                "authorisation.expired",
                (
                    format!("`{id}` ended at {}, now it is {now}", self.not_after),
                    format!("授权 `{id}` 已于 {} 到期，当前为 {now}", self.not_after),
                ),
                ("apply for a new authorisation", "重新申请授权"),
            );
        }
        if self.not_after <= self.not_before || self.not_after > self.not_before.plus_years(max_term_years) {
            add(
                "authorisation.term",
                (
                    format!(
                        "`{id}` runs from {} to {}; a term of up to {max_term_years} years is allowed",
                        self.not_before, self.not_after
                    ),
                    format!("授权 `{id}` 期限为 {} 至 {}，期限不得超过 {max_term_years} 年", self.not_before, self.not_after),
                ),
                ("have the authority sign a shorter term", "由主管部门签署更短的期限"),
            );
        }
        match self.contingency_plan.as_ref().map(ContingencyPlan::missing) {
            None => add(
                "authorisation.plan-missing",
                (format!("`{id}` has no contingency plan"), format!("授权 `{id}` 没有应急预案")),
                ("add a contingency plan and have the authorisation signed again", "补充应急预案并重新签署授权"),
            ),
            Some(missing) if !missing.is_empty() => add(
                "authorisation.plan-incomplete",
                (
                    format!("the contingency plan of `{id}` lacks {}", missing.join(", ")),
                    format!("授权 `{id}` 的应急预案缺少：{}", missing.join("、")),
                ),
                ("complete the plan and have the authorisation signed again", "补全应急预案并重新签署授权"),
            ),
            Some(_) => {}
        }
        let of = self.environment;
        let strangers = self.datasets.iter().any(|g| g.dataset.environment() != of);
        if id.environment() != of || self.authority.environment() != of || strangers {
            add(
                "authorisation.environment",
                (format!("`{id}` mixes development and production"), format!("授权 `{id}` 混用了开发与生产环境")),
                ("issue one authorisation per environment", "按环境分别授权"),
            );
        }
        if id.organisation() != self.authority.organisation() {
            add(
                "authorisation.authority-foreign",
                (
                    format!("`{id}` is not named after its authority {}", self.authority),
                    format!("授权 `{id}` 的名称与签发部门 {} 不符", self.authority),
                ),
                ("name it environment/authority/name", "按“环境/部门/名称”命名"),
            );
        }
        let mut seen = std::collections::BTreeSet::new();
        if self.datasets.is_empty() || self.datasets.iter().any(|g| g.columns.is_empty() || !seen.insert(&g.dataset)) {
            add(
                "authorisation.grants-malformed",
                (
                    format!("`{id}` grants nothing, an empty set of columns, or the same data set twice"),
                    format!("授权 `{id}` 未列数据集、所列列为空，或重复列出同一数据集"),
                ),
                ("list each data set once with its columns", "逐一列出数据集及其列"),
            );
        }
        found
    }
}

/// What a withdrawal takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withdrawn {
    /// The whole authorisation (L1).
    Authorisation,
    /// Its contingency plan (A2): no operation until a new one is signed.
    ContingencyPlan,
}

/// The authority takes an authorisation, or the plan it rests on, back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Format version, 1.
    pub v: u32,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// What of it.
    pub withdrawn: Withdrawn,
    /// Why.
    pub reason: Text,
    /// From when on.
    pub at: Time,
}

impl SignedType for Withdrawal {
    const TYPE: &'static str = "withdrawal-v1";
}

/// Decision of the authority that a party outside the domain may compute under an authorisation (D9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideDecision {
    /// Format version, 1.
    pub v: u32,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// The party outside the domain.
    pub party: PartyName,
    /// Why it was allowed.
    pub reason: Text,
    /// First second at which it is no longer allowed.
    pub not_after: Time,
}

impl SignedType for OutsideDecision {
    const TYPE: &'static str = "outside-decision-v1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn authorisation() -> Authorisation {
        Authorisation {
            v: 1,
            id: AuthorisationId::new("dev/authority/2026-1").unwrap(),
            environment: Environment::Dev,
            authority: PartyName::new("yu://dev/authority/node1").unwrap(),
            licensee: "bank".into(),
            scenario: Scenario::new("inclusive-credit").unwrap(),
            purpose: Purpose::new("joint-statistics").unwrap(),
            datasets: vec![Grant {
                dataset: DatasetId::new("dev/health/insured").unwrap(),
                columns: ColumnSet::new(["id", "cost"]).unwrap(),
                quota: None,
            }],
            contingency_plan: Some(ContingencyPlan {
                owner: "bank".into(),
                scope: "leak or loss".into(),
                contacts: vec!["duty officer".into()],
                steps: vec!["stop all jobs".into()],
                drill_interval_days: 180,
            }),
            not_before: at("2026-01-01T00:00:00Z"),
            not_after: at("2029-01-01T00:00:00Z"),
        }
    }

    fn codes(a: &Authorisation, now: &str) -> Vec<String> {
        a.check(at(now), 3).into_iter().map(|f| f.code).collect()
    }

    #[test]
    fn a4_term_is_checked_to_the_second() {
        let a = authorisation();
        assert_eq!(codes(&a, "2025-12-31T23:59:59Z"), ["authorisation.not-yet-valid"]);
        assert!(codes(&a, "2026-01-01T00:00:00Z").is_empty());
        assert!(codes(&a, "2028-12-31T23:59:59Z").is_empty());
        assert_eq!(codes(&a, "2029-01-01T00:00:00Z"), ["authorisation.expired"]);
        let mut long = a;
        long.not_after = at("2029-01-01T00:00:01Z");
        assert_eq!(codes(&long, "2026-06-01T00:00:00Z"), ["authorisation.term"]);
    }

    #[test]
    fn a2_no_plan_no_operation() {
        let mut a = authorisation();
        a.contingency_plan = None;
        assert_eq!(codes(&a, "2026-06-01T00:00:00Z"), ["authorisation.plan-missing"]);
        let empties: [fn(&mut ContingencyPlan); 5] = [
            |p| p.owner.clear(),
            |p| p.scope.clear(),
            |p| p.contacts.clear(),
            |p| p.steps = vec![" ".into()],
            |p| p.drill_interval_days = 0,
        ];
        for empty in empties {
            let mut a = authorisation();
            empty(a.contingency_plan.as_mut().unwrap());
            assert_eq!(codes(&a, "2026-06-01T00:00:00Z"), ["authorisation.plan-incomplete"]);
        }
    }

    #[test]
    fn d7_environments_do_not_mix() {
        let mut a = authorisation();
        a.datasets[0].dataset = DatasetId::new("prod/health/insured").unwrap();
        assert_eq!(codes(&a, "2026-06-01T00:00:00Z"), ["authorisation.environment"]);
    }

    #[test]
    fn a1_grants_are_named_one_by_one() {
        let mut a = authorisation();
        a.datasets.push(a.datasets[0].clone());
        assert_eq!(codes(&a, "2026-06-01T00:00:00Z"), ["authorisation.grants-malformed"]);
        a.datasets.clear();
        assert_eq!(codes(&a, "2026-06-01T00:00:00Z"), ["authorisation.grants-malformed"]);
    }

    proptest! {
        /// A1: whatever is written into the field, an authorisation lets one scenario run or does not parse.
        #[test]
        fn a1_no_authorisation_covers_two_scenarios(one in "[a-z\u{4e00}-\u{4e20}]{1,8}", two in "[a-z\u{4e00}-\u{4e20}]{1,8}",
                                                   glue in "[,;|/、，；*&+]") {
            let mut json = serde_json::to_value(authorisation()).unwrap();
            for bundled in [
                serde_json::json!([one, two]),
                serde_json::json!(format!("{one}{glue}{two}")),
                serde_json::json!({ "any": [one, two] }),
            ] {
                json["scenario"] = bundled;
                prop_assert!(serde_json::from_value::<Authorisation>(json.clone()).is_err());
            }
            json["scenario"] = serde_json::json!(one);
            let parsed = serde_json::from_value::<Authorisation>(json.clone()).unwrap();
            prop_assert_ne!(parsed.scenario, Scenario::new(format!("{one}x")).unwrap());
            json["scenarios"] = serde_json::json!([two]);
            prop_assert!(serde_json::from_value::<Authorisation>(json).is_err());
        }
    }
}
