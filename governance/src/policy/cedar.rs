//! A party's own policy, in Cedar: editable, default-deny, validated against a schema before it is accepted.
//!
//! Cedar skips a policy that fails at evaluation, so a failing `forbid` would be skipped as well. Here any evaluation
//! error denies.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value, Schema,
    ValidationMode, Validator,
};

use super::case::Case;
use super::hard::proven_entry;
use super::input::PolicyInput;
use crate::canonical::{Hash, digest};
use crate::catalogue::{CatalogueEntry, Origin};
use crate::contract::{ConsentTerms, Contract, Input, Party, Role, StepTerms};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::id::{DatasetId, PartyName};

/// The policy that a new node starts with.
pub const DEFAULT_POLICY: &str = include_str!("default.cedar");

/// Types of principals, resources and context.
const SCHEMA: &str = include_str!("schema.cedarschema");

/// A parsed and validated policy text.
pub struct PolicySet {
    policies: cedar_policy::PolicySet,
    schema: Schema,
    hash: Hash,
}

/// One question that the policy answered with yes, and by which of its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Who may.
    pub principal: PartyName,
    /// What: `compute`, `receive` or `review`.
    pub action: &'static str,
    /// With which data set.
    pub dataset: DatasetId,
    /// By which statements: their `@id`, else their position.
    pub by: Vec<String>,
}

impl PolicySet {
    /// Parses and validates (strictly) a policy text.
    ///
    /// # Errors
    /// `Malformed` with Cedar's explanation.
    pub fn new(text: &str) -> Result<Self> {
        let malformed = |reason: String| Error::Malformed { object: "policy".into(), reason };
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|e| malformed(e.to_string()))?;
        let policies = cedar_policy::PolicySet::from_str(text).map_err(|e| malformed(e.to_string()))?;
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            return Err(malformed(error.to_string()));
        }
        Ok(Self { policies, schema, hash: digest("yu-policy-v1", text.as_bytes()) })
    }

    /// The default policy.
    ///
    /// # Errors
    /// Never for the shipped text, which a test parses.
    pub fn default_policy() -> Result<Self> {
        Self::new(DEFAULT_POLICY)
    }

    /// Hash of the text, for the audit log.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Asks the policy about every use that concerns `input.me`. All must be permitted.
    ///
    /// # Errors
    /// The findings: uses that are not permitted, or questions that could not be answered.
    pub fn rule(&self, input: &PolicyInput<'_>) -> std::result::Result<Vec<Ruling>, Vec<Finding>> {
        self.rule_case(&Case::new(*input))
    }

    /// The same, with what is known of the documents.
    pub(super) fn rule_case(&self, input: &Case<'_>) -> std::result::Result<Vec<Ruling>, Vec<Finding>> {
        let uses = input.uses.get_or_init(|| Uses::of(input, &self.schema));
        let context = Context::from_pairs(terms(input)).map_err(drop);
        let mut rulings = Vec::new();
        let mut findings = Vec::new();
        // whether a question fits the schema depends on its action alone: the kinds of things asked about and the context are the same
        let mut fits: Vec<&'static str> = Vec::new();
        for Use { party, action, of, asked } in &uses.0 {
            let (Ok(asked), Ok(context)) = (asked, &context) else {
                findings.push(undecidable(input, party, action, of));
                continue;
            };
            let schema = if fits.contains(action) { None } else { Some(&self.schema) };
            let answer = self.ask(asked, context.clone(), schema);
            if answer.is_ok() {
                fits.push(action);
            }
            match answer {
                Ok(Some(by)) => {
                    rulings.push(Ruling { principal: party.name.clone(), action, dataset: of.dataset.clone(), by });
                }
                Ok(None) => findings.push(not_permitted(input, party, action, of)),
                Err(()) => findings.push(undecidable(input, party, action, of)),
            }
        }
        if findings.is_empty() && rulings.is_empty() {
            // no question is no permission
            findings.push(Finding::new(
                "policy.no-question",
                input.me,
                ("the policy has nothing to decide: the contract gives this party no part", "策略无可判定事项：合约未给本方任何角色"),
                ("correct the parties in job.toml", "修改 job.toml 中的参与方"),
            ));
        }
        if findings.is_empty() { Ok(rulings) } else { Err(findings) }
    }

    /// `Some(statements)` if permitted, `None` if not, `Err` if any statement failed or the question is malformed.
    fn ask(&self, asked: &Asked, context: Context, schema: Option<&Schema>) -> std::result::Result<Option<Vec<String>>, ()> {
        let [principal, action, resource] = asked.ids.clone();
        let request = Request::new(principal, action, resource, context, schema).map_err(drop)?;
        let response = Authorizer::new().is_authorized(&request, &self.policies, &asked.entities);
        if response.diagnostics().errors().next().is_some() {
            return Err(());
        }
        if response.decision() != Decision::Allow {
            return Ok(None);
        }
        let named = |id| self.policies.policy(id).and_then(|p| p.annotation("id")).map(ToOwned::to_owned);
        Ok(Some(response.diagnostics().reason().map(|id| named(id).unwrap_or_else(|| id.to_string())).collect()))
    }
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySet").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The uses that concern `me`: of its own data by anybody, or, if it brings none, its own part in the job.
fn questions<'a>(input: &PolicyInput<'a>) -> Vec<(&'a Party, &'static str, &'a Input)> {
    let c = input.contract;
    let owner = c.inputs.iter().any(|i| i.party == *input.me);
    let mut asked = Vec::new();
    for of in c.inputs.iter().filter(|i| !owner || i.party == *input.me) {
        for party in c.parties.iter().filter(|p| owner || p.name == *input.me) {
            for role in &party.roles {
                let action = match role {
                    Role::Computing => "compute",
                    Role::Result => "receive",
                    Role::Reviewer => "review",
                    Role::Input => continue,
                };
                asked.push((party, action, of));
            }
        }
    }
    asked
}

/// One question to the policy, with what it may look at.
struct Use<'a> {
    party: &'a Party,
    action: &'static str,
    of: &'a Input,
    /// Principal, action, resource; an error if the question is malformed or the entry of the data set is not proven.
    asked: std::result::Result<Asked, ()>,
}

struct Asked {
    ids: [EntityUid; 3],
    entities: Entities,
}

/// The uses that concern `me`, made ready once for all decisions of a case: they do not depend on the moment.
pub(super) struct Uses<'a>(Vec<Use<'a>>);

impl<'a> Uses<'a> {
    fn of(case: &Case<'a>, schema: &Schema) -> Self {
        let ready = |(party, action, of): (&'a Party, &'static str, &'a Input)| {
            let entry = proven_entry(case, &of.dataset).ok_or(());
            Use { party, action, of, asked: entry.and_then(|entry| Asked::new(party, action, of, entry, schema)) }
        };
        Self(questions(case).into_iter().map(ready).collect())
    }
}

impl Asked {
    fn new(party: &Party, action: &str, of: &Input, entry: &CatalogueEntry, schema: &Schema) -> std::result::Result<Self, ()> {
        let principal = uid("Yu::Party", party.name.as_str())?;
        let resource = uid("Yu::Dataset", of.dataset.as_str())?;
        let entities = Entities::from_entities(
            [
                Entity::new(principal.clone(), party_attributes(party), HashSet::new()).map_err(drop)?,
                Entity::new(resource.clone(), dataset_attributes(of, entry), HashSet::new()).map_err(drop)?,
            ],
            Some(schema),
        )
        .map_err(drop)?;
        Ok(Self { ids: [principal, uid("Yu::Action", action)?, resource], entities })
    }
}

fn uid(kind: &str, id: &str) -> std::result::Result<EntityUid, ()> {
    let kind = EntityTypeName::from_str(kind).map_err(drop)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn text(value: &str) -> Value {
    Value::new_string(value.to_owned())
}

fn set<'a>(values: impl IntoIterator<Item = &'a str>) -> Value {
    Value::new_set(values.into_iter().map(text))
}

/// Cedar's integers are `i64`; no count that matters comes near.
fn long(value: u64) -> Value {
    Value::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}

fn party_attributes(party: &Party) -> HashMap<String, Value> {
    HashMap::from([
        ("organisation".into(), text(party.name.organisation())),
        ("zone".into(), text(party.zone.as_str())),
        ("controller".into(), text(&party.controller)),
        ("roles".into(), set(party.roles.iter().map(|r| r.as_str()))),
    ])
}

/// Grade and classes are those of the columns that the contract reads; a column that the entry lacks counts as the
/// highest grade and as prohibited.
fn dataset_attributes(of: &Input, entry: &CatalogueEntry) -> HashMap<String, Value> {
    let columns: Vec<_> = of.columns.iter().map(|name| (name, entry.column(name))).collect();
    let grade = columns.iter().map(|(_, c)| c.map_or(4, |c| c.grade)).max().unwrap_or(4);
    let classes = columns.iter().map(|(name, c)| match c {
        Some(c) if !entry.is_prohibited(name) => c.class.as_str(),
        _ => "prohibited",
    });
    let origin = match entry.origin {
        Origin::Public => "public",
        Origin::Imported { .. } => "imported",
    };
    HashMap::from([
        ("provider".into(), text(entry.provider.organisation())),
        ("grade".into(), long(grade.into())),
        ("classes".into(), set(classes)),
        ("subjects".into(), text(entry.subjects.as_str())),
        ("origin".into(), text(origin)),
        ("columns".into(), set(of.columns.iter())),
        ("rows".into(), long(of.rows)),
        ("consentFilter".into(), Value::new_bool(matches!(of.consent, ConsentTerms::Filter { .. }))),
    ])
}

fn terms(input: &PolicyInput<'_>) -> Vec<(String, Value)> {
    let c = input.contract;
    vec![
        ("environment".into(), text(c.environment.as_str())),
        ("scenario".into(), text(c.scenario.as_str())),
        ("purpose".into(), text(c.purpose.as_str())),
        ("technique".into(), text(technique(c))),
        ("simulated".into(), Value::new_bool(c.enclave().is_some_and(|e| e.simulated))),
        ("adversary".into(), text(c.security.adversary.as_str())),
        ("revealMatch".into(), text(c.reveal_match.as_str())),
        ("minRows".into(), long(c.limits.min_rows)),
        ("minCell".into(), long(c.limits.min_cell)),
        ("runsToday".into(), long(input.runs_today)),
        ("receivers".into(), set(c.receivers.iter().map(|r| r.party.organisation()))),
        ("now".into(), Value::new_long(input.now.unix())),
    ]
}

/// What policies call it. A release of a number for each row has a name of its own, so that no policy permits it that was written for trainings.
fn technique(contract: &Contract) -> &'static str {
    match contract.split_model() {
        Some((StepTerms::Predict(_), _)) => "predict",
        _ => contract.technique.as_str(),
    }
}

fn not_permitted(input: &PolicyInput<'_>, party: &Party, action: &str, of: &Input) -> Finding {
    Finding::new(
        "policy.not-permitted",
        input.me,
        (
            format!("the policy of `{}` does not permit `{}` to {action} with `{}`", input.me, party.name, of.dataset),
            format!("`{}` 的策略不允许 `{}` 对 `{}` 执行 {action}", input.me, party.name, of.dataset),
        ),
        ("see `yu job explain`; change the job, or the node's policy", "见 `yu job explain`；修改任务或本节点策略"),
    )
}

fn undecidable(input: &PolicyInput<'_>, party: &Party, action: &str, of: &Input) -> Finding {
    Finding::new(
        "policy.undecidable",
        input.me,
        (
            format!("the policy of `{}` could not be evaluated for `{}`, {action}, `{}`, and so denies", input.me, party.name, of.dataset),
            format!("`{}` 的策略无法就 `{}`、{action}、`{}` 求值，故予拒绝", input.me, party.name, of.dataset),
        ),
        ("correct the policy, and see that the catalogue entry is signed", "修正策略，并确认目录已签署"),
    )
}
