//! Demands of scenarios (需求征集), and the gaps of the catalogue that they show (K9): what nobody offers, but somebody needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::record::Freshness;
use super::shelf::{Catalogue, Supply};
use crate::canonical::u64_string;
use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::{ColumnSet, DatasetId, Environment, PartyName, RequestId, Scenario};
use crate::sign::SignedType;
use crate::text::Text;

/// One data set that a scenario needs. A data set that does not exist yet is asked for under the name that it should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Which data set.
    pub dataset: DatasetId,
    /// Which items of it.
    pub items: ColumnSet,
}

/// What one organisation needs for one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// Format version, 1.
    pub v: u32,
    /// Its name, of the organisation that asks.
    pub id: RequestId,
    /// For which scenario.
    pub scenario: Scenario,
    /// What for, in both languages.
    pub purpose: Text,
    /// What is needed; at least one.
    pub needs: Vec<Need>,
    /// When it was put forward.
    pub at: Time,
}

impl SignedType for Demand {
    const TYPE: &'static str = "scenario-demand-v1";
}

/// Why a need is not met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "gap", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Lack {
    /// Nobody has catalogued such a data set.
    NoDataset,
    /// The data set has no such item.
    NoItem {
        /// Its name.
        item: String,
    },
    /// It was withdrawn (A21).
    Withdrawn,
    /// It is catalogued, but no data are behind it (K3).
    NotHooked,
    /// Its renewal is overdue (K3).
    Stale,
}

/// One gap with everybody who feels it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Where.
    pub dataset: DatasetId,
    /// What is lacking.
    pub lack: Lack,
    /// Organisations that need it.
    pub organisations: BTreeSet<String>,
    /// Scenarios that need it.
    pub scenarios: BTreeSet<Scenario>,
    /// Demands behind it.
    #[serde(with = "u64_string")]
    pub demands: u64,
}

/// What the operator reports to the authority (ZW 16): the demands of a period and what they lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandReport {
    /// Format version, 1.
    pub v: u32,
    /// The operator, which signs.
    pub operator: PartyName,
    /// First second of the period.
    pub from: Time,
    /// First second after it.
    pub until: Time,
    /// Demands that were put forward in it.
    #[serde(with = "u64_string")]
    pub demands: u64,
    /// What they lack, the most wanted first.
    pub gaps: Vec<Gap>,
    /// When it was drawn up.
    pub at: Time,
}

impl SignedType for DemandReport {
    const TYPE: &'static str = "demand-report-v1";
}

/// Demands that were put forward.
#[derive(Debug, Clone, Default)]
pub struct DemandRegister(BTreeMap<RequestId, Demand>);

impl DemandRegister {
    /// An empty register.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a demand.
    ///
    /// # Errors
    /// All at once: `demand.empty`, `demand.environment`, `demand.purpose-missing`, `demand.repeated`.
    pub fn add(&mut self, demand: Demand) -> Checked<()> {
        let id = &demand.id;
        let named: BTreeSet<&DatasetId> = demand.needs.iter().map(|n| &n.dataset).collect();
        let here: Environment = id.environment();
        let rules = [
            (
                demand.v == 1 && !named.is_empty() && named.len() == demand.needs.len() && demand.needs.iter().all(|n| !n.items.is_empty()),
                "demand.empty",
                ("names no item, or a data set twice", "未列信息项，或重复列出数据集"),
                ("list each data set once with its items", "逐一列出数据集及其信息项"),
            ),
            (
                named.iter().all(|d| d.environment() == here),
                "demand.environment",
                ("asks for data of another environment", "涉及其他环境的数据"),
                ("put forward one demand for each environment", "按环境分别提出需求"),
            ),
            (
                !demand.purpose.is_blank(),
                "demand.purpose-missing",
                ("does not say what for", "未说明用途"),
                ("say what for, in both languages", "以中英文说明用途"),
            ),
            (!self.0.contains_key(id), "demand.repeated", ("was put forward already", "已经提出"), ("use another name", "使用其他名称")),
        ];
        let found = rules
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, code, (en, zh), remedy)| {
                Finding::new(code, id.organisation(), (format!("demand `{id}` {en}"), format!("需求 `{id}` {zh}")), remedy)
            })
            .collect();
        unless(found, ())?;
        self.0.insert(demand.id.clone(), demand);
        Ok(())
    }

    /// All demands put forward from `from` up to, not including, `to`.
    pub fn between(&self, from: Time, to: Time) -> impl Iterator<Item = &Demand> {
        self.0.values().filter(move |d| from <= d.at && d.at < to)
    }

    /// The gaps that the demands of a period show in the catalogue at `now`, most demanded first (the regular report of ZW 16).
    #[must_use]
    pub fn gaps(&self, catalogue: &Catalogue, period: (Time, Time), now: Time, grace_days: u32) -> Vec<Gap> {
        let mut gaps: BTreeMap<(DatasetId, Lack), Gap> = BTreeMap::new();
        for demand in self.between(period.0, period.1) {
            for need in &demand.needs {
                for lack in lacks(catalogue, need, now, grace_days) {
                    let gap = gaps.entry((need.dataset.clone(), lack.clone())).or_insert_with(|| Gap {
                        dataset: need.dataset.clone(),
                        lack,
                        organisations: BTreeSet::new(),
                        scenarios: BTreeSet::new(),
                        demands: 0,
                    });
                    gap.organisations.insert(demand.id.organisation().to_owned());
                    gap.scenarios.insert(demand.scenario.clone());
                    gap.demands = gap.demands.saturating_add(1);
                }
            }
        }
        let mut out: Vec<Gap> = gaps.into_values().collect();
        // stable: equal counts stay in order of names
        out.sort_by_key(|g| std::cmp::Reverse(g.demands));
        out
    }
}

fn lacks(catalogue: &Catalogue, need: &Need, now: Time, grace_days: u32) -> Vec<Lack> {
    let Some(record) = catalogue.record(&need.dataset) else { return vec![Lack::NoDataset] };
    let absent = need.items.iter().filter(|item| record.entry.column(item).is_none());
    let mut out: Vec<Lack> = absent.map(|item| Lack::NoItem { item: item.to_owned() }).collect();
    if matches!(catalogue.supply(&need.dataset), Some(Supply::Withdrawn { .. })) {
        out.push(Lack::Withdrawn);
    }
    match record.freshness(now, grace_days) {
        Freshness::NotHooked => out.push(Lack::NotHooked),
        Freshness::Stale { .. } => out.push(Lack::Stale),
        Freshness::Fresh | Freshness::Unbound => {}
    }
    out
}
