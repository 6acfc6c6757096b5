//! Synthetic tables with a privacy guarantee by MST (合成数据; McKenna, Miklau & Sheldon 2021, arXiv 2108.04978, section 3).
//!
//! 1. A third of rho measures every column alone, by discrete Gaussian noise. Values whose noisy count is below three standard
//!    deviations are joined into one "rare" value.
//! 2. A third chooses pairs of columns: round by round, the exponential mechanism takes the pair, among those that join two
//!    unconnected parts, whose exact table of counts is farthest (L1) from what independent columns would give. The result is
//!    a spanning tree. Scores are integers in units of 1/1024; one record more or less changes each by at most one count.
//! 3. A third measures the chosen pairs.
//! 4. A tree-shaped model is fitted to all measurements (entropic mirror descent with exact marginals by message passing), and rows
//!    are drawn from it. Rare values come out evenly among those joined.
//!
//! The sum of the parts is rho exactly, against one record more or less, or one person with m bounded rows (noise and sensitivity
//! times m). The domains of the columns and the number of them must be public; the number of rows may be given or is estimated from the
//! noisy counts. **Not kept:** relations between columns that are not joined by the tree, anything of three or more columns, rare values.
//! The rows are made up: the schema says so under `yu.synthetic`. They are as private as rho says, not "anonymous" by being synthetic.

mod counts;
mod model;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use rand_chacha::rand_core::CryptoRng;

use super::adjacency::{Adjacency, Neighbours};
use super::cost::{Allowance, Loss};
use super::noise::{Bits, DiscreteGaussian, Ratio};
use super::refuse::parameter;
use super::units::Rho;
use crate::column::categories;
use crate::error::{Error, Result};
use crate::table::Table;
use counts::{Compressed, measure_column};
use model::{Model, Pair};

/// Key of the schema metadata that marks a synthetic table.
pub const SYNTHETIC: &str = "yu.synthetic";

/// More cells of a pair of columns than this are refused.
const MOST_CELLS: usize = 1 << 22;

/// A column and its public domain: every value that may occur. A cell outside it is refused.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The column.
    pub column: String,
    /// Its values, without repetition; the empty text stands for a missing cell.
    pub values: Vec<String>,
}

/// A synthetic table and what is public about how it was made.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// The rows, marked as synthetic.
    pub table: Table,
    /// The pairs of columns whose relation was measured.
    pub pairs: Vec<(String, String)>,
    /// Standard deviation of the noise on the counts of single columns.
    pub deviation_single: f64,
    /// Standard deviation of the noise on the counts of pairs.
    pub deviation_pair: f64,
}

/// Makes a synthetic table of `rows` rows, or of about as many as the table has.
///
/// # Errors
/// `MissingColumn`, `UnknownCategory`; `dp.parameter` for no columns, an empty domain, or domains too large; `dp.allowance`.
pub fn synthesise<A: Adjacency, R: CryptoRng + ?Sized>(
    table: &Table,
    domains: &[Domain],
    rows: Option<u64>,
    neighbours: Neighbours<A>,
    rho: Rho,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<Synthetic> {
    check(domains)?;
    let columns = domains.iter().map(|domain| categories(table, &domain.column, &domain.values)).collect::<Result<Vec<_>>>()?;
    let third = rho.get() / 3.0 * (1.0 - 1e-12);
    let change = neighbours.histogram_l2_squared() as f64;
    let edges = domains.len().saturating_sub(1).max(1) as f64;
    let single = gaussian(change * domains.len() as f64 / (2.0 * third))?;
    let pair = gaussian(change * edges / (2.0 * third))?;
    allowance.spend(Loss::Zcdp(rho))?;

    let mut bits = Bits::new(rng);
    let measured: Vec<Compressed> =
        columns.iter().zip(domains).map(|(column, domain)| measure_column(column, domain.values.len(), &single, &mut bits)).collect();
    let total = counts::total(&measured);
    let columns: Vec<Vec<u32>> = columns.iter().zip(&measured).map(|(column, measured)| measured.compress(column)).collect();
    let per_edge = Rho::new(third / edges)?;
    let l1 = neighbours.histogram_l1();
    let chosen = tree::choose(&columns, &measured, total, l1, per_edge, &mut bits)?;
    let pairs: Vec<Pair> = chosen
        .iter()
        .map(|(a, b)| {
            let counts = counts::pair(&columns[*a], &columns[*b], measured[*a].len(), measured[*b].len());
            Pair { a: *a, b: *b, noisy: counts.into_iter().map(|count| count.saturating_add(pair.sample(&mut bits)) as f64).collect() }
        })
        .collect();
    let model = Model::fit(&measured, &pairs, total, single.standard_deviation(), pair.standard_deviation());
    let rows = rows.unwrap_or(total.round() as u64);
    let drawn = model.draw(usize::try_from(rows).unwrap_or(0), &mut bits);
    let columns = drawn.iter().zip(&measured).map(|(column, measured)| measured.expand(column, &mut bits)).collect();
    let table = label(table.source(), domains, columns, rho)?;
    let name = |at: usize| domains.get(at).map(|domain| domain.column.clone()).unwrap_or_default();
    let pairs = chosen.into_iter().map(|(a, b)| (name(a), name(b))).collect();
    Ok(Synthetic { table, pairs, deviation_single: single.standard_deviation(), deviation_pair: pair.standard_deviation() })
}

fn gaussian(variance: f64) -> Result<DiscreteGaussian> {
    DiscreteGaussian::new(Ratio::at_least(variance.max(1.0 / 32.0))?)
}

fn check(domains: &[Domain]) -> Result<()> {
    let mut sizes: Vec<usize> = domains.iter().map(|domain| domain.values.len()).collect();
    sizes.sort_unstable();
    let largest: usize = sizes.iter().rev().take(2).fold(1, |cells: usize, size| cells.saturating_mul(*size));
    let names: HashMap<&str, ()> = domains.iter().map(|domain| (domain.column.as_str(), ())).collect();
    if sizes.first().is_none_or(|least| *least == 0) || largest > MOST_CELLS || names.len() != domains.len() {
        return Err(parameter(
            "the domains are empty, repeated, or too large for a table of pairs",
            "值域为空、重复，或过大而无法统计两列组合",
            "give each column once, with 1 or more values, and at most 2^22 combinations of two columns",
            "每列只列一次，至少一个取值，任意两列组合不超过 2^22 个",
        ));
    }
    Ok(())
}

/// The table, with its mark.
fn label(source: &str, domains: &[Domain], columns: Vec<Vec<u32>>, rho: Rho) -> Result<Table> {
    let arrays: Vec<ArrayRef> = columns
        .into_iter()
        .zip(domains)
        .map(|(column, domain)| {
            let texts = column.into_iter().map(|value| domain.values.get(value as usize).map(String::as_str));
            Arc::new(StringArray::from_iter(texts)) as ArrayRef
        })
        .collect();
    let fields: Vec<Field> = domains.iter().map(|domain| Field::new(&domain.column, DataType::Utf8, true)).collect();
    let mark = HashMap::from([(SYNTHETIC.to_owned(), format!("MST, rho {}", rho.get()))]);
    let schema = Arc::new(Schema::new_with_metadata(fields, mark));
    let batch =
        RecordBatch::try_new(schema.clone(), arrays).map_err(|source| Error::Arrow { what: "building a synthetic table", source })?;
    Table::from_batches(&format!("synthetic of {source}"), schema, vec![batch])
}
