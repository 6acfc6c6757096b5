//! What may be published, requested, approved and granted at all: A6 for everybody on every path, A17 and K3 for grants.
//!
//! Data whose opening is forbidden (禁止开放) have no path out of the provider, and no role for which there is one. The role
//! enters the sentence, never the decision.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::CatalogueEntry;
use super::record::{CatalogueRecord, Freshness, Hook, OriginLevel, Registration};
use super::shelf::Supply;
use crate::authorisation::Authorisation;
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, PartyName, Scenario};
use crate::request::{Approval, DataRequest};
use crate::sign::{KeyRing, Signed, SignedType};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// 公共数据主管部门.
    Authority,
    /// 监管方.
    Regulator,
    /// 平台运营方.
    Platform,
    /// 授权运营单位.
    Licensee,
    /// 二级开发主体.
    Developer,
    /// 数据提供单位.
    Provider,
    /// 数据产品使用方.
    Consumer,
    /// A member of the expert group.
    Expert,
}

impl Actor {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Authority, Self::Regulator, Self::Platform, Self::Licensee, Self::Developer, Self::Provider, Self::Consumer, Self::Expert];

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Regulator => "regulator",
            Self::Platform => "platform",
            Self::Licensee => "licensee",
            Self::Developer => "developer",
            Self::Provider => "provider",
            Self::Consumer => "consumer",
            Self::Expert => "expert",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A path on which data would come closer to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Into the catalogue.
    Publish,
    /// Asked for.
    Request,
    /// Approved for a request.
    Approve,
    /// Put into an authorisation.
    Grant,
    /// Supplied to a job.
    Supply,
    /// Sampled or simulated for developers.
    Sample,
    /// Made part of a product.
    Produce,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Publish, Self::Request, Self::Approve, Self::Grant, Self::Supply, Self::Sample, Self::Produce];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Publish => ("published", "发布"),
            Self::Request => ("requested", "申请"),
            Self::Approve => ("approved", "审核通过"),
            Self::Grant => ("granted", "授权"),
            Self::Supply => ("supplied", "供给"),
            Self::Sample => ("sampled or simulated", "抽样或模拟"),
            Self::Produce => ("made part of a product", "纳入产品"),
        }
    }
}

/// One finding for each prohibited column that `actor` would take along the path; empty means that A6 does not object.
///
/// Publishing, sampling and simulating touch the whole entry, whichever columns are named.
#[must_use]
pub fn check_prohibited(actor: Actor, act: Act, entry: &CatalogueEntry, columns: &ColumnSet) -> Vec<Finding> {
    let whole = matches!(act, Act::Publish | Act::Sample);
    let (en, zh) = act.words();
    let name = &entry.dataset;
    let refused = |what: (String, String)| {
        Finding::new("catalogue.prohibited", actor, what, ("leave the data out; no role can lift this", "去除该数据；任何角色均无权放行"))
    };
    let mut found: Vec<Finding> = entry
        .items
        .iter()
        .map(|c| c.name.as_str())
        .filter(|column| (whole || columns.contains(column)) && entry.is_prohibited(column))
        .map(|column| {
            refused((
                format!("column `{column}` of `{name}` is closed to opening and cannot be {en} by the {actor}"),
                format!("`{name}` 的列“{column}”属于禁止开放的数据，不得{zh}（{actor}）"),
            ))
        })
        .collect();
    // an entry that is closed as a whole stays closed without a single column named
    if entry.prohibited && found.is_empty() {
        found.push(refused((
            format!("`{name}` is closed to opening and cannot be {en} by the {actor}"),
            format!("`{name}` 属于禁止开放的数据，不得{zh}（{actor}）"),
        )));
    }
    found
}

/// One finding for each column that the entry does not have (A6): prohibited columns are left out of published entries, so an unknown name
/// may be one of them.
#[must_use]
pub fn check_known(actor: Actor, act: Act, entry: &CatalogueEntry, columns: &ColumnSet) -> Vec<Finding> {
    let (en, zh) = act.words();
    let name = &entry.dataset;
    let unknown = |column: &str| {
        let what = (
            format!("column `{column}` is not in the catalogue entry of `{name}` and cannot be {en} by the {actor}"),
            format!("`{name}` 的目录中没有列“{column}”，不得{zh}（{actor}）"),
        );
        Finding::new("columns.beyond-catalogue", actor, what, ("name columns of the entry only", "仅列目录中的列"))
    };
    columns.iter().filter(|column| entry.column(column).is_none()).map(unknown).collect()
}

/// A6 for a data request: no column that is closed, and none that the entry does not have.
///
/// A request with a malformed list of columns is read as one for everything: what cannot be read is not thereby open.
#[must_use]
pub fn check_request(actor: Actor, entry: &CatalogueEntry, request: &DataRequest) -> Vec<Finding> {
    let asked = request.asked().or_else(|_| entry.columns()).unwrap_or_default();
    let mut found = check_prohibited(actor, Act::Request, entry, &asked);
    found.extend(check_known(actor, Act::Request, entry, &asked));
    found
}

/// A6 for an approval.
#[must_use]
pub fn check_approval(actor: Actor, entry: &CatalogueEntry, approval: &Approval) -> Vec<Finding> {
    check_prohibited(actor, Act::Approve, entry, &approval.granted())
}

/// Consent of a higher level to the use of its data (A17): for one data set, these columns, one scenario, a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelConsent {
    /// Format version, 1.
    pub v: u32,
    /// The level that consents.
    pub level: OriginLevel,
    /// Its authority's node, which signs.
    pub by: PartyName,
    /// To which data set.
    pub dataset: DatasetId,
    /// To which columns.
    pub columns: ColumnSet,
    /// For which scenario.
    pub scenario: Scenario,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
}

impl SignedType for LevelConsent {
    const TYPE: &'static str = "level-consent-v1";
}

impl LevelConsent {
    /// Whether it is one to the use of these columns for this scenario from `from` until `until`.
    #[must_use]
    pub fn covers(
        &self,
        dataset: &DatasetId,
        level: OriginLevel,
        columns: &ColumnSet,
        scenario: &Scenario,
        (from, until): (Time, Time),
    ) -> bool {
        self.v == 1
            && self.level == level
            && self.dataset == *dataset
            && columns.beyond(&self.columns).is_empty()
            && self.scenario == *scenario
            && self.not_before <= from
            && self.not_after >= until
    }
}

/// Whether a rule of the jurisdiction asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// It does.
    Required,
    /// It does not.
    NotRequired,
}

/// What the jurisdiction asks of a grant; every value is profile data.
#[derive(Debug, Clone)]
pub struct GrantRules {
    /// Level of the authority that grants.
    pub level: OriginLevel,
    /// Whose consent speaks for each level.
    pub level_authorities: BTreeMap<OriginLevel, BTreeSet<PartyName>>,
    /// Registration of the resource before authorisation (K3).
    pub registration: Demand,
    /// Link to the physical data, and data as recent as promised (K3).
    pub hooked_and_fresh: Demand,
    /// Days of grace before data count as stale.
    pub grace_days: u32,
}

/// A6, A17, A21 and K3 for everything that an authorisation would grant; reports everything at once.
///
/// `find` gives the present record of a data set with its supply ([`Catalogue::present`](super::shelf::Catalogue::present)); a data set
/// without one cannot be granted (ZW 5, 8), nor one that is withdrawn.
#[must_use]
pub fn check_grants<'a>(
    authorisation: &Authorisation,
    find: impl Fn(&DatasetId) -> Option<(&'a CatalogueRecord, &'a Supply)>,
    consents: &[Signed<LevelConsent>],
    keys: &KeyRing,
    rules: &GrantRules,
    now: Time,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for grant in &authorisation.datasets {
        let name = &grant.dataset;
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| {
            found.push(Finding::new(code, name.organisation(), (en, zh), remedy));
        };
        let Some((record, supply)) = find(name) else {
            add(
                "catalogue.missing",
                format!("`{name}` is not in the catalogue"),
                format!("`{name}` 不在目录中"),
                ("have it catalogued first", "先编入目录"),
            );
            continue;
        };
        if let Supply::Withdrawn { at, .. } = supply {
            add(
                "catalogue.withdrawn",
                format!("`{name}` is withdrawn from supply since {at}"),
                format!("`{name}` 自 {at} 起已停止供给"),
                ("wait until the data organs resume the supply", "待数据主管部门恢复供给"),
            );
        }
        if rules.registration == Demand::Required && !record.registration.as_ref().is_some_and(Registration::is_complete) {
            add(
                "catalogue.not-registered",
                format!("`{name}` has no registration number"),
                format!("`{name}` 没有登记编号"),
                ("register the resource before it is authorised", "先完成公共数据资源登记，再授权"),
            );
        }
        if rules.hooked_and_fresh == Demand::Required {
            match record.freshness(now, rules.grace_days) {
                Freshness::Fresh | Freshness::Unbound if matches!(record.hook, Hook::Hooked { .. }) => {}
                Freshness::Stale { since } => add(
                    "catalogue.stale",
                    format!("the renewal of `{name}` is overdue since {since}"),
                    format!("`{name}` 自 {since} 起逾期未更新"),
                    ("have the provider renew it", "请提供单位更新"),
                ),
                _ => add(
                    "catalogue.not-hooked",
                    format!("`{name}` is not linked to physical data"),
                    format!("`{name}` 尚未挂接数据"),
                    ("have the provider link the data", "请提供单位挂接数据"),
                ),
            }
        }
        let speaks = |c: &LevelConsent| rules.level_authorities.get(&c.level).is_some_and(|nodes| nodes.contains(&c.by));
        let consented = |c: &LevelConsent| {
            c.v == 1
                && c.level == record.level
                && speaks(c)
                && c.dataset == *name
                && grant.columns.beyond(&c.columns).is_empty()
                && c.scenario == authorisation.scenario
                && c.not_before <= now
                && c.not_after >= authorisation.not_after
        };
        let proven = |s: &Signed<LevelConsent>| s.verify(keys, &[s.payload.by.as_str()]).is_ok_and(consented);
        if record.level > rules.level && !consents.iter().any(proven) {
            add(
                "origin.higher-level",
                format!("`{name}` comes from the level `{}`, whose consent for these columns, scenario and term is missing", record.level),
                format!("`{name}` 为{}数据，缺少该级主管部门对所列列、场景与期限的同意", record.level.zh()),
                ("obtain the signed consent of that level", "取得该级主管部门签署的同意"),
            );
        }
        found.extend(check_prohibited(Actor::Authority, Act::Grant, &record.entry, &grant.columns));
        found.extend(check_known(Actor::Authority, Act::Grant, &record.entry, &grant.columns));
    }
    found
}
