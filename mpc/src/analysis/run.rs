//! The joint run: share, join, bring matches to the front, answer each step.

use ndarray::{Ix1, Ix2};

use super::local::Local;
use super::plan::{AnalysisPlan, BITS, ColumnAt, Edges, Step, Uses};
use crate::engine::{Engine, Input, Module, Vector};
use crate::learn::{Feature, Ridge};
use crate::moments::moments;
use crate::ring::{Element, Int};
use crate::secret::Secret;
use crate::stats::Owner;
use crate::table::{self, Key};
use crate::{Error, Result};

const OWNERS: [Owner; 2] = [Owner::Left, Owner::Right];

/// The joined table as the steps read it.
struct Table<E: Engine> {
    rows: usize,
    selected: E::Words,
    sides: [Columns<E>; 2],
}

/// One side's columns.
struct Columns<E: Engine> {
    uses: Uses,
    /// In the order in which they were shared, digests left out.
    columns: Vec<E::Words>,
    /// Where the indicators of each categorical column begin, and how many there are.
    indicators: Vec<(usize, usize)>,
    scales: E::Words,
}

/// Shares, joins and answers. Input parties pass their [`Local`], the helper does not; an engine of one party wants both, left first. The
/// result is one vector: repeated keys, matched rows, then what each step says. An engine that checks does so after the join and after each
/// step, so that a party that deviates is named together with the step.
///
/// # Errors
/// [`Error::Caller`] for a plan that does not hold together; the engine's, those that name a party with the step in front.
pub fn run<E: Engine>(engine: &mut E, plan: &AnalysisPlan, local: [Option<&Local>; 2]) -> Result<E::Words> {
    plan.check()?;
    let (table, repeated) = checked(engine, "join", |engine| joined(engine, plan, local))?;
    let matched = table.selected.sums(table.rows);
    let mut results = vec![repeated, matched];
    for step in &plan.steps {
        let before: usize = results.len();
        checked(engine, step.kind(), |engine| answer(engine, plan, &table, step, &mut results))?;
        let told: usize = results[before..].iter().map(|part| part.len()).sum();
        let expected = plan.result_len(step)?;
        if told != expected {
            return Err(Error::shape("result of a step", &[told], &[expected]));
        }
    }
    Ok(E::Words::concat(&results.iter().collect::<Vec<_>>()))
}

/// Runs a part and checks it; who deviated in it is named with it.
fn checked<E: Engine, T>(engine: &mut E, name: &str, part: impl FnOnce(&mut E) -> Result<T>) -> Result<T> {
    let result = part(engine).and_then(|result| engine.verify().map(|()| result));
    result.map_err(|error| match error {
        Error::Peer { culprit, step, what } => Error::Peer { culprit, step: format!("{name}, {step}"), what },
        other => other,
    })
}

fn joined<E: Engine>(engine: &mut E, plan: &AnalysisPlan, local: [Option<&Local>; 2]) -> Result<(Table<E>, E::Words)> {
    let mut inputs = Vec::new();
    for (owner, local) in OWNERS.into_iter().zip(local) {
        let (rows, width) = (plan.side(owner).rows as usize, plan.width(owner));
        let scales = 2 * plan.uses(owner).features.len();
        if local.is_some_and(|local| local.columns.len() != rows * width || local.scales.len() != scales) {
            return Err(Error::caller("the columns do not fit the plan"));
        }
        let index = usize::from(owner == Owner::Right);
        for column in 0..width {
            let values = local.map(|local| &local.columns[column * rows..(column + 1) * rows]);
            inputs.push(Input { owner: index, len: rows, values });
        }
        inputs.push(Input { owner: index, len: scales, values: local.map(|local| &local.scales[..]) });
    }
    let shared = engine.input(&inputs)?;
    let (left, right) = shared.split_at(plan.width(Owner::Left) + 1);
    let mut scales = Vec::new();
    let mut payloads: Vec<Vec<&E::Words>> = Vec::new();
    for side in [left, right] {
        let (last, columns) = side.split_last().ok_or_else(|| Error::caller("an engine shares what it is given"))?;
        scales.push(last.clone());
        payloads.push(columns.iter().skip(2).collect());
    }
    let mut joined = {
        let left = table::Side { digests: [&left[0], &left[1]], columns: &payloads[0] };
        let right = table::Side { digests: [&right[0], &right[1]], columns: &payloads[1] };
        table::join(engine, &left, &right)?
    };
    let rows = plan.step_rows();
    if plan.is_cut() {
        let all: Vec<&E::Words> = [&joined.is_match].into_iter().chain(&joined.left).chain(&joined.right).collect();
        let mut front = table::partition(engine, &joined.is_match, &all)?.into_iter().map(|column| column.slice(0..rows));
        joined.is_match = front.next().ok_or_else(|| Error::caller("a partition keeps its columns"))?;
        joined.left = front.by_ref().take(payloads[0].len()).collect();
        joined.right = front.collect();
    }
    let mut scales = scales.into_iter();
    let mut side = |owner: Owner, columns: Vec<E::Words>| {
        let uses = plan.uses(owner);
        let mut begin = uses.integers.len() + uses.features.len() + uses.labels.len() + uses.codes.len();
        let place = |at: &usize| {
            let count = plan.side(owner).categorical[*at].labels.len();
            begin += count;
            (begin - count, count)
        };
        let indicators = uses.indicators.iter().map(place).collect();
        Columns { uses, columns, indicators, scales: scales.next().unwrap_or_else(|| E::Words::zeros(0)) }
    };
    let sides = [side(Owner::Left, joined.left), side(Owner::Right, joined.right)];
    Ok((Table { rows, selected: joined.is_match, sides }, joined.repeated))
}

impl<E: Engine> Columns<E> {
    fn pick(&self, from: usize, used: &[usize], index: usize) -> Result<&E::Words> {
        let place = used.iter().position(|used| *used == index);
        place.and_then(|at| self.columns.get(from + at)).ok_or_else(|| Error::caller("a column that was not shared this way"))
    }
}

impl<E: Engine> Table<E> {
    const fn side(&self, owner: Owner) -> &Columns<E> {
        match owner {
            Owner::Left => &self.sides[0],
            Owner::Right => &self.sides[1],
        }
    }

    fn integer(&self, at: ColumnAt) -> Result<&E::Words> {
        let side = self.side(at.owner);
        side.pick(0, &side.uses.integers, at.index)
    }

    fn feature(&self, at: ColumnAt) -> Result<&E::Words> {
        let side = self.side(at.owner);
        side.pick(side.uses.integers.len(), &side.uses.features, at.index)
    }

    fn label(&self, at: ColumnAt) -> Result<&E::Words> {
        let side = self.side(at.owner);
        side.pick(side.uses.integers.len() + side.uses.features.len(), &side.uses.labels, at.index)
    }

    fn code(&self, at: ColumnAt) -> Result<&E::Words> {
        let side = self.side(at.owner);
        let from = side.uses.integers.len() + side.uses.features.len() + side.uses.labels.len();
        side.pick(from, &side.uses.codes, at.index)
    }

    fn indicators(&self, at: ColumnAt) -> Result<Vec<&E::Words>> {
        let side = self.side(at.owner);
        let place = side.uses.indicators.iter().position(|used| *used == at.index);
        let (begin, count) = place.and_then(|at| side.indicators.get(at)).ok_or_else(|| Error::caller("a grouping that was not shared"))?;
        Ok(side.columns.iter().skip(*begin).take(*count).collect())
    }

    /// Mean and standard deviation as the owner shared them.
    fn scale(&self, at: ColumnAt) -> Result<E::Words> {
        let side = self.side(at.owner);
        let place = side.uses.features.iter().position(|used| *used == at.index);
        let place = place.ok_or_else(|| Error::caller("a column that was not standardised"))?;
        Ok(side.scales.slice(2 * place..2 * place + 2))
    }

    /// Columns side by side.
    fn matrix<T: Element>(&self, columns: &[&E::Words]) -> Result<Secret<E, T, Ix2>> {
        Secret::from_words(E::Words::concat(columns).transpose(columns.len()), Ix2(self.rows, columns.len()))
    }

    fn selection(&self) -> Result<Secret<E, Int, Ix1>> {
        Secret::from_words(self.selected.clone(), Ix1(self.rows))
    }
}

fn answer<E: Engine>(engine: &mut E, plan: &AnalysisPlan, table: &Table<E>, step: &Step, results: &mut Vec<E::Words>) -> Result<()> {
    match step {
        Step::Stats { columns, group } => {
            let values: Vec<&E::Words> = columns.iter().map(|at| table.integer(*at)).collect::<Result<_>>()?;
            let values = table.matrix::<Int>(&values)?;
            let groups = group.map(|at| table.matrix::<Int>(&table.indicators(at)?)).transpose()?;
            results.push(moments(engine, &table.selection()?, &values, groups.as_ref())?.into_words());
        }
        Step::Quantiles { columns, at } => {
            for column in columns {
                let values = table.integer(*column)?;
                results.extend(table::sums_around(engine, values, BITS, &table.selected, at, plan.half_window())?);
            }
        }
        Step::Histogram { column, edges } => {
            // without a sign, so that the planes above the values are not needed
            let shift = 1u64 << BITS;
            let shifted = table.integer(*column)?.add(&engine.constant(&vec![shift; table.rows]));
            let edges = Edges::of(edges, plan.numeric(*column)?.exponent);
            let raw: Vec<u64> = edges.raw.iter().map(|edge| edge.cast_unsigned().wrapping_add(shift)).collect();
            results.push(table::histogram(engine, Key::unsigned(&shifted, BITS + 2), &raw, Some(&table.selected))?);
        }
        Step::Groupby { by, values } => {
            let mut code = E::Words::zeros(table.rows);
            for at in by {
                code = code.scale(plan.categorical(*at)?.labels.len() as u64).add(table.code(*at)?);
            }
            let values: Vec<&E::Words> = values.iter().map(|at| table.integer(*at)).collect::<Result<_>>()?;
            let groups = table::by_category(engine, &code, plan.groups(by)?, &values, Some(&table.selected))?;
            results.push(groups.counts);
            results.extend(groups.sums);
        }
        Step::LinearRegression { target, features, ridge } => {
            let columns: Vec<&E::Words> = features.iter().map(|at| table.feature(*at)).collect::<Result<_>>()?;
            let x = table.matrix::<Feature>(&columns)?;
            let y = Secret::<E, Feature, Ix1>::from_words(table.feature(*target)?.clone(), Ix1(table.rows))?;
            let weights = Ridge { ridge: *ridge }.fit_selected(engine, &x, &y, &table.selection()?)?;
            results.push(weights.into_words());
            for at in features.iter().chain([target]) {
                results.push(table.scale(*at)?);
            }
        }
        Step::LogisticRegression { target, features, model, l2 } => {
            let columns: Vec<&E::Words> = features.iter().map(|at| table.feature(*at)).collect::<Result<_>>()?;
            let x = table.matrix::<Feature>(&columns)?;
            let y = table.label(*target)?;
            let labels = Secret::<E, Int, Ix1>::from_words(y.clone(), Ix1(table.rows))?;
            let weights = model.fit_selected(engine, &x, &labels, &table.selection()?, *l2)?;
            results.push(weights.into_words());
            for at in features {
                results.push(table.scale(*at)?);
            }
            results.push(y.sums(table.rows));
        }
    }
    Ok(())
}
