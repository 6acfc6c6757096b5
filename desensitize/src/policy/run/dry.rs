//! A policy on rows of nobody: what it does can be seen before any real row is touched.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::{HierarchyRule, Policy};
use crate::detect;
use crate::error::Result;
use crate::key::resident_id;
use crate::report::Grid;
use crate::table::Table;
use crate::transform::{KeyId, Keys, Operator, TransformKey};

/// Rows that are made, so that classes can form; a few of them are shown.
const ROWS: usize = 2000;

/// What a policy does with simulated rows.
pub struct Rehearsal {
    /// Some rows before.
    pub before: Grid,
    /// The same rows after; fewer if some are suppressed or not sampled.
    pub after: Grid,
}

/// Carries a policy out on simulated rows, with keys that are thrown away. The same `seed` gives the same rows.
///
/// # Errors
/// What the policy would refuse on real rows too.
pub fn rehearse(policy: &Policy, shown: usize, seed: u64) -> Result<Rehearsal> {
    let table = simulated(policy, seed)?;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut keys = Keys::none();
    let steps = policy.steps();
    for operator in steps.iter().map(|step| &step.operator).filter(|operator| operator.needs_key()) {
        keys.insert(TransformKey::generate(KeyId::new(operator.key().unwrap_or("rehearsal"))?, &mut rng));
    }
    let made = policy.make(&table, &keys, &mut rng)?;
    let grid = |table: &Table, en: &str, zh: &str| -> Result<Grid> {
        let columns = table.column_names().into_iter().map(|name| crate::column::text(table, name)).collect::<Result<Vec<_>>>()?;
        let count = shown.min(usize::try_from(table.num_rows()).unwrap_or(0));
        let row = |row: usize| columns.iter().map(|column| column.get(row).cloned().unwrap_or_default()).collect();
        let title = crate::Text::new(en, zh);
        let header = table.column_names().into_iter().map(|name| crate::Text::new(name, name)).collect();
        Ok(Grid { title, header, rows: (0..count).map(row).collect() })
    };
    let released: Vec<String> = policy.released().into_iter().map(str::to_owned).collect();
    Ok(Rehearsal {
        before: grid(&table.select(&released)?, "Before (simulated rows)", "处理前（仿真数据）")?,
        after: grid(&made.table, "After", "处理后")?,
    })
}

/// Rows with valid formats that belong to nobody.
fn simulated(policy: &Policy, seed: u64) -> Result<Table> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x5e_ed);
    let mut names: Vec<String> = policy.columns.iter().map(|rule| rule.name.clone()).collect();
    names.extend(policy.subjects().into_iter().map(str::to_owned));
    let mut columns: Vec<(&str, ArrayRef)> = Vec::with_capacity(names.len());
    for name in &names {
        let kind = Kind::of(policy, name)?;
        let cells = (0..ROWS).map(|row| kind.cell(row, &mut rng));
        columns.push((name.as_str(), Arc::new(StringArray::from_iter_values(cells)) as ArrayRef));
    }
    Table::from_columns("simulated", columns)?.simulated("policy rehearsal")
}

/// What a simulated column holds.
enum Kind {
    ResidentId,
    Mobile,
    Name,
    Email,
    Address,
    Date,
    Number(f64, f64),
    Digits(u32),
    One(Vec<String>),
}

const SURNAMES: &[&str] = &["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
const GIVEN: &[&str] = &["伟", "芳", "娜", "敏", "静", "磊", "洋", "艳", "杰", "涛", "明", "超", "兰", "平", "辉", "欣", "怡", "晨"];
const ROADS: &[&str] = &["中山东路", "解放南路", "人民路", "环城西路", "百丈路"];
const REGIONS: &[&str] = &["330203", "330205", "330206", "330211", "330212", "330213"];

impl Kind {
    fn of(policy: &Policy, name: &str) -> Result<Self> {
        if let Some(kind) = policy.rule(name).into_iter().flat_map(|rule| &rule.operators).find_map(Self::of_operator) {
            return Ok(kind);
        }
        if let Some(rule) = policy.hierarchies.iter().find(|rule| rule.column() == name) {
            return Ok(match rule {
                HierarchyRule::File { file, .. } => {
                    let rows = crate::anonymise::Hierarchy::read(file)?.rows();
                    Self::One(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
                }
                HierarchyRule::Interval { origin, width, .. } => Self::Number(*origin, origin + width * 40.0),
                HierarchyRule::Dates { .. } => Self::Date,
                HierarchyRule::Digits { .. } => Self::One(REGIONS.iter().map(|code| (*code).to_owned()).collect()),
                HierarchyRule::Masking { .. } => Self::Digits(6),
                HierarchyRule::Flat { .. } => Self::One(["A", "B", "C"].map(str::to_owned).to_vec()),
            });
        }
        Ok(Self::of_header(name).unwrap_or_else(|| Self::One(["A", "B", "C", "D"].map(str::to_owned).to_vec())))
    }

    fn of_operator(operator: &Operator) -> Option<Self> {
        Some(match operator {
            Operator::ResidentId { .. } => Self::ResidentId,
            Operator::Mobile { .. } => Self::Mobile,
            Operator::DateShift { .. } | Operator::GeneraliseDate { .. } => Self::Date,
            Operator::Bin { .. }
            | Operator::Round { .. }
            | Operator::Limit { .. }
            | Operator::Noise { .. }
            | Operator::Microaggregate { .. } => Self::Number(0.0, 100.0),
            Operator::Pram { categories, .. } => Self::One(categories.clone()),
            _ => return None,
        })
    }

    /// By what the header says.
    fn of_header(name: &str) -> Option<Self> {
        Some(match detect::class_of_header(name)? {
            detect::Class::ResidentId => Self::ResidentId,
            detect::Class::Mobile | detect::Class::Landline => Self::Mobile,
            detect::Class::PersonName => Self::Name,
            detect::Class::Email => Self::Email,
            detect::Class::Address => Self::Address,
            _ => Self::Digits(12),
        })
    }

    fn cell(&self, row: usize, rng: &mut ChaCha20Rng) -> String {
        let mut pick = |count: usize| usize::try_from(rng.next_u64() % (count.max(1) as u64)).unwrap_or(0);
        match self {
            Self::ResidentId => {
                let region = REGIONS[pick(REGIONS.len())];
                let body = format!("{region}{}{:02}{:02}{:03}", 1940 + pick(70), 1 + pick(12), 1 + pick(28), 1 + pick(998));
                let check = body.as_bytes().try_into().map_or('0', |body| char::from(resident_id::check_digit(body)));
                format!("{body}{check}")
            }
            Self::Mobile => format!("13{}{:08}", pick(10), pick(100_000_000)),
            Self::Name => {
                let given = if pick(3) == 0 { String::new() } else { GIVEN[pick(GIVEN.len())].to_owned() };
                format!("{}{}{given}", SURNAMES[pick(SURNAMES.len())], GIVEN[pick(GIVEN.len())])
            }
            Self::Email => format!("user{row}@example.com"),
            Self::Address => format!("浙江省宁波市鄞州区{}{}号", ROADS[pick(ROADS.len())], 1 + pick(900)),
            Self::Date => format!("{}-{:02}-{:02}", 1940 + pick(70), 1 + pick(12), 1 + pick(28)),
            Self::Number(low, high) => (low + (high - low) * pick(10_000) as f64 / 10_000.0).floor().to_string(),
            Self::Digits(count) => (0..*count).map(|_| char::from(b'0' + u8::try_from(pick(10)).unwrap_or(0))).collect(),
            Self::One(values) => values.get(pick(values.len())).cloned().unwrap_or_default(),
        }
    }
}
