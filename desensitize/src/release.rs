//! Statistical tables that may leave: which numbers are hidden, which further ones with them, and the proof that it is enough.
//!
//! | to see | open |
//! |---|---|
//! | codes and their hierarchy | [`Dimension`], `release/dimension.rs` |
//! | from rows to counts and sums with marginals | [`CellTable`], `release/cells.rs` |
//! | which cells are sensitive | [`Rules`], `release/rules.rs` |
//! | a flat list of counts with its total, for held results | [`objections_to_list`], `release/list.rs` |
//! | which further cells are hidden | `release/suppress.rs` |
//! | the attacker's linear program | `release/attack.rs` |
//! | the proof for every sensitive cell | [`Audit`], `release/audit.rs` |
//! | what was released before, and differencing | [`Ledger`], `release/ledger.rs`, `release/ledger/union.rs` |
//!
//! # For a reader who is not a statistician
//! A table of sums by district and age prints numbers about groups. The number of a group with two members is about two persons: the
//! cell is *sensitive* and is hidden (primary suppression, 初级隐藏). But the total of its row is printed too, and the row's other
//! cells: the total minus the others gives the hidden number back. So further cells are hidden (complementary suppression,
//! 次级隐藏). Whether that is enough is not a matter of taste: the least and the greatest value that a hidden number can have, given
//! all printed numbers, all totals and that nothing is negative, are the solutions of two linear programs. A table leaves only
//! if these are far enough apart for every sensitive cell.
//!
//! # Rules and what must stay open
//! * *Minimum frequency* (最小频数), 10: a number rests on that many contributors. A hidden count must look as if it might be 10.
//! * *Dominance* (n, k) (支配规则): one contributor has at most 50 % of a sum, two at most 70 %.
//! * *p%*, 15: the second largest contributor, who knows its own part, cannot estimate the largest to within 15 %.
//! * *Zeros* are hidden like small cells, unless declared to be printed.
//!
//! Protection levels of sums: Hundepool et al., *Statistical Disclosure Control* (Wiley 2012), table 4.3. The attacker's problem:
//! Fischetti and Salazar, *Management Science* 47 (2001). Hypercubes: Repsilber (1994), Giessing and Repsilber (2002).
//!
//! # Guarantee
//! [`protect`] returns a table only if for every sensitive cell other tables were exhibited, and verified, that fit everything printed
//! and differ by the protection level. Counts are proven with whole numbers. What is not proven in the time allowed is refused.
//!
//! # Measured
//! Processor seconds on one core of a server (2026-11), tables of residents by region (two levels), age (two levels) and sex, minimum
//! frequency 4, one cell in eight sensitive; by `yu-benches`, subject `release`:
//!
//! | cells | sensitive | hidden for them | suppress and prove | attack from scratch | second table against the ledger |
//! |---|---|---|---|---|---|
//! | 1,188 | 118 | 152 | below 0.01 s | below 0.01 s, 35 programs | 0.02 s |
//! | 12,300 | 1,407 | 1,651 | 0.17 s | 0.12 s, 292 programs | 0.45 s |
//! | 123,648 | 15,641 | 16,931 | 5.7 s | 2.6 s, 2,787 programs | 13 s |
//!
//! # Not protected
//! * A contributor of a hidden cell knows its own part; p% covers this for a single cell, the audit does not repeat it for every
//!   contributor of every sum of cells.
//! * A count and a sum are attacked apart: who knows bounds of single values (a wage scale) knows more.
//! * That a cell is hidden says that it or a neighbour is sensitive.
//! * What others publish about the same persons. What was released here, the [`Ledger`] knows.
//! * Differential privacy is another, stronger promise: [`crate::dp`].

mod attack;
mod audit;
mod cells;
mod dimension;
pub mod ledger;
mod list;
mod rules;
mod suppress;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Text};
use suppress::Pattern;

pub use audit::{Audit, Depth, Interval, Quantity};
pub use cells::{CellTable, MAX_CELLS, TableSpec};
pub use dimension::{Dimension, MAX_CODES};
pub use ledger::Ledger;
pub use list::{Cell, LeftOut, Objection, objections_to_list};
pub use rules::{Dominance, Magnitude, Need, Reason, Rules, Zeros, need_of_count, need_of_magnitude, reasons};

/// When a budget ends; far away if it never does.
pub(crate) fn deadline(budget: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(budget.min(LONG)).unwrap_or(now)
}

pub(crate) fn refuse(code: &'static str, what: Text, place: Text, remedy: Text) -> Error {
    Error::refused(code, what, place, remedy)
}

/// What becomes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Printed.
    Printed,
    /// Hidden on its own account.
    Primary,
    /// Hidden to protect others.
    Complementary,
}

/// What is decided about cells beforehand, by position: see [`Ledger::given`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Hidden elsewhere, so hidden here.
    pub hidden: Vec<usize>,
    /// Printed elsewhere, so of no use for hiding others.
    pub printed: Vec<usize>,
}

/// Sensitive cells, each with all its reasons.
pub type Findings = BTreeMap<usize, Vec<Reason>>;

/// A table with its pattern of hidden cells and the proof. No `Debug`: it holds the hidden numbers.
#[derive(Clone)]
pub struct Protected {
    table: CellTable,
    rules: Rules,
    status: Vec<Status>,
    findings: Findings,
    quantities: Vec<Quantity>,
    audit: Audit,
}

/// A cell as readers see it: hidden ones all look alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrintedCell {
    /// `dimension=code`; nothing for the grand total.
    pub key: Vec<String>,
    /// The count, if printed.
    pub count: Option<u64>,
    /// The sums, if printed.
    pub sums: Vec<Option<f64>>,
}

impl Protected {
    /// All cells as printed.
    pub fn printed(&self) -> impl Iterator<Item = PrintedCell> + '_ {
        (0..self.table.len()).map(|cell| {
            let is_printed = self.status(cell) == Some(Status::Printed);
            let count = self.table.counts().get(cell).copied().filter(|_| is_printed);
            let sums = self.table.sums().iter().map(|sums| sums.get(cell).map(|m| m.total).filter(|_| is_printed)).collect();
            PrintedCell { key: self.table.key(cell), count, sums }
        })
    }

    /// What became of a cell. For the office: readers must not be told which of the hidden cells are sensitive.
    #[must_use]
    pub fn status(&self, cell: usize) -> Option<Status> {
        self.status.get(cell).copied()
    }

    /// How many cells are printed, hidden on their own account, hidden for others.
    #[must_use]
    pub fn tally(&self) -> [usize; 3] {
        [Status::Printed, Status::Primary, Status::Complementary].map(|wanted| self.status.iter().filter(|s| **s == wanted).count())
    }

    /// The sensitive cells and why.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The proof.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The table, hidden numbers included.
    #[must_use]
    pub fn table(&self) -> &CellTable {
        &self.table
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Attacks the table as printed by linear programs alone, using nothing of the suppression but its pattern; with `also_printed`,
    /// as if these cells were printed as well.
    #[must_use]
    pub fn attack(&self, also_printed: &[usize], depth: Depth, budget: Duration) -> Audit {
        let is_hidden = |(cell, status): (usize, &Status)| *status != Status::Printed && !also_printed.contains(&cell);
        let hidden: Vec<bool> = self.status.iter().enumerate().map(is_hidden).collect();
        audit::audit(&self.table.equations(), &hidden, &self.quantities, &[], depth, budget)
    }

    pub(crate) fn quantities(&self) -> &[Quantity] {
        &self.quantities
    }
}

/// Hides what the rules ask and what that needs, and proves it, within `budget`.
///
/// # Errors
/// `release.rules`, `release.unclear`; `release.unprotected` if a sensitive cell is not proven open.
///
/// ```
/// use std::time::Duration;
/// use yu_desensitize::release::{CellTable, Dimension, Given, Rules, Zeros, protect};
/// let sex = Dimension::flat("sex", &["1", "2"])?;
/// let age = Dimension::flat("age", &["0-17", "18-59", "60+"])?;
/// let table = CellTable::from_leaf_counts(&[sex, age], &[20, 3, 31, 25, 40, 28])?;
/// let protected = protect(table, &Rules::frequency(5, Zeros::Hide), &Given::default(), Duration::from_secs(60))?;
/// // the 3 is hidden, and with it a square of four: otherwise row and column give it back
/// assert_eq!(protected.tally(), [8, 1, 3]);
/// assert!(protected.audit().passed());
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
pub fn protect(table: CellTable, rules: &Rules, given: &Given, budget: Duration) -> Result<Protected> {
    rules.check()?;
    let until = deadline(budget);
    let (findings, quantities) = primary(&table, rules)?;
    let mut keep = vec![false; table.len()];
    for cell in findings.keys().chain(&given.hidden) {
        if let Some(keep) = keep.get_mut(*cell) {
            *keep = true;
        }
    }
    let mut fixed: Vec<bool> = table.counts().iter().map(|count| *count == 0 && rules.zeros == Zeros::Publish).collect();
    for cell in &given.printed {
        if let Some(fixed) = fixed.get_mut(*cell) {
            *fixed = true;
        }
    }
    let equations = table.equations();
    let mut pattern = Pattern::new((&table, &equations, &quantities), fixed, keep.clone(), until);
    pattern.protect();
    pattern.thin(&keep);
    let left = until.saturating_duration_since(Instant::now());
    let audit = audit::audit(&equations, &pattern.hidden, &quantities, &pattern.witnesses(), Depth::Proof, left);
    if !audit.passed() {
        return Err(unprotected(&table, &audit));
    }
    let status = pattern.hidden.iter().enumerate().map(|(cell, hidden)| match (findings.contains_key(&cell), hidden) {
        (true, _) => Status::Primary,
        (false, true) => Status::Complementary,
        (false, false) => Status::Printed,
    });
    let status = status.collect();
    Ok(Protected { table, rules: rules.clone(), status, findings, quantities, audit })
}

/// Attacks any published numbers with linear relations between them: linked tables, a foreign pattern. Each equation names a total
/// and then its parts; the cells that are not `hidden` are printed.
///
/// # Errors
/// `release.relations` if an equation names a cell that is not there, or the numbers do not add up.
pub fn attack(equations: &[Vec<usize>], hidden: &[bool], quantities: &[Quantity], depth: Depth, budget: Duration) -> Result<Audit> {
    let adds_up = |values: &[f64], equation: &Vec<usize>| {
        let Some((total, parts)) = equation.split_first() else { return true };
        let value = |cell: &usize| values.get(*cell).copied().unwrap_or(f64::NAN);
        (parts.iter().map(value).sum::<f64>() - value(total)).abs() <= 1e-9 * value(total).abs().max(1.0)
    };
    let is_sound = quantities.iter().all(|q| {
        let counted = |v: &f64| v.is_finite() && *v >= 0.0 && (!q.is_whole || v.fract() == 0.0);
        q.values.len() == hidden.len() && q.values.iter().all(counted) && equations.iter().all(|e| adds_up(&q.values, e))
    });
    if !is_sound {
        return Err(refuse(
            "release.relations",
            Text::new(
                "the numbers are negative or not finite, or do not add up as the relations say",
                "数值为负或非有限，或与所述合计关系不符",
            ),
            Text::new("", ""),
            Text::new("give each total with all of its parts", "请为每个合计列出全部分项"),
        ));
    }
    Ok(audit::audit(equations, hidden, quantities, &[], depth, budget))
}

/// Sensitive cells with their reasons; the quantities with what must stay open in them.
fn primary(table: &CellTable, rules: &Rules) -> Result<(Findings, Vec<Quantity>)> {
    let mut findings = BTreeMap::new();
    let count = Quantity {
        name: "count".into(),
        is_whole: true,
        values: table.counts().iter().map(|count| *count as f64).collect(),
        floor: rules.floor(),
        needs: BTreeMap::new(),
    };
    let sums = table.sum_names().iter().zip(table.sums()).map(|(name, sums)| Quantity {
        name: format!("sum of {name}"),
        is_whole: false,
        values: sums.iter().map(|m| m.total).collect(),
        floor: 0.0,
        needs: BTreeMap::new(),
    });
    let mut quantities: Vec<Quantity> = std::iter::once(count).chain(sums).collect();
    for (cell, (count, contributors)) in table.counts().iter().zip(table.contributors()).enumerate() {
        let mut found = reasons(*contributors, None, rules)?;
        for sum in table.sums().iter().filter_map(|sums| sums.get(cell)) {
            found.extend(reasons(*contributors, Some(sum), rules)?);
        }
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            continue;
        }
        let needs = std::iter::once(count_need(*count, *contributors, rules));
        let sums = table.sums().iter().filter_map(|sums| sums.get(cell)).map(|m| need_of_magnitude(m, &found, rules));
        for (quantity, need) in quantities.iter_mut().zip(needs.chain(sums)) {
            quantity.needs.insert(cell, need);
        }
        findings.insert(cell, found);
    }
    Ok((findings, quantities))
}

/// Where contributors have several rows, their number of rows is a sum of theirs, and must stay open like one.
fn count_need(count: u64, contributors: u64, rules: &Rules) -> Need {
    let need = need_of_count(count, rules);
    if contributors >= count || contributors >= rules.min_frequency {
        return need;
    }
    let range = (count as f64 * rules.range_percent / 100.0).ceil();
    need.max(Need { up: range, down: range.min(count as f64 - rules.floor()) })
}

fn unprotected(table: &CellTable, audit: &Audit) -> Error {
    let refuted = audit.refuted().count();
    let first = audit.refuted().next().map(|interval| table.key(interval.cell).join(", ")).unwrap_or_default();
    let first = if first.is_empty() { "*".to_owned() } else { first };
    refuse(
        "release.unprotected",
        Text::new(
            format!("{refuted} sensitive numbers can be computed too closely from the printed ones, or the proof did not end in time"),
            format!("有 {refuted} 个敏感数值可由已发布数值推算得过于精确，或证明未在限定时间内完成"),
        ),
        Text::new(format!("cell {first}"), format!("单元格 {first}")),
        Text::new("use coarser codes, fewer totals, or allow more time", "请使用更粗的代码、减少合计，或放宽时间"),
    )
}
