//! Questions to two tables when nobody may learn who is in both (联合分析): a list of steps over one join on shares.
//!
//! | step | result | how |
//! |---|---|---|
//! | [`Step::Stats`] | means, deviations, correlations, means of groups | [`crate::moments`] |
//! | [`Step::Quantiles`] | means of the values around quantiles | [`crate::table::sums_around`] |
//! | [`Step::Histogram`] | counts by ranges with public edges | [`crate::table::histogram()`] |
//! | [`Step::Groupby`] | counts, sums and means by one or two categories, of either side | [`crate::table::by_category`] |
//! | [`Step::LinearRegression`] | weights in closed form | [`crate::learn::linear`] |
//! | [`Step::LogisticRegression`] | weights by gradient descent | [`crate::learn::logistic`] |
//!
//! **Parties and what each learns.** Two input parties and a helper without data compute. Nobody learns which rows match,
//! nor how many, nor any number of the result: all learn what the plan says, row counts and a power of two above
//! each column's largest absolute value included. The recipient learns the number of matched rows, the results of the steps and how many
//! rows repeat a key of their own side (zero, or the result is refused). With a regression that is also the mean and the standard
//! deviation of each of its columns over all rows that its owner brings, for these scale the weights.
//!
//! **Adversary.** The engine's.
//!
//! **How.** The tables are shared and joined as in [`crate::joint`]; beside 40-bit integers an owner shares standardised columns
//! ([`crate::learn::Feature`]), labels, codes of categories, whatever the steps need. At most as many rows match as the smaller side has: the
//! matched rows are brought to the front of the joined table ([`crate::table::partition`]), and the rest is cut off, unless the only step
//! is `stats`. Every step then reads the rows with their secret flags. A row that did not match is zero in all columns, its flag
//! included, and counts nowhere.
//!
//! **Order of rows.** That of the digests of the keys: random, and the same for nobody's advantage. A gradient descent takes batches in
//! this order.
//!
//! **Error.** Values are rounded to 40 bits below `2^e` ([`crate::joint`]); counts are exact, so are sums of the rounded values. A value that near to an edge of a
//! histogram may fall on its other side. Regressions: [`crate::learn`], with features rounded to `2^-10` standard deviations and cut off
//! at [`FEATURE_LIMIT`] of them.
//!
//! **Rounds and bytes**: [`cost`], from a dry run.

mod assemble;
mod local;
mod plan;
mod run;

pub use assemble::{Bin, ColumnQuantiles, GroupRow, Model, Named, Outcome, Quantile, ScaledColumn, StepResult, assemble};
pub use local::{AnalysisData, FEATURE_LIMIT, Local};
pub use plan::{AnalysisPlan, Categorical, ColumnAt, Numeric, Step, TableSide, limits};
pub use run::run;

use crate::Result;
use crate::cost::Cost;
use crate::engine::Priced;

/// Bytes and rounds per party and step of [`run`] on engine `P`, set-up, the agreement on the key and the last check included.
///
/// # Errors
/// As [`run`].
pub fn cost<P: Priced>(plan: &AnalysisPlan) -> Result<Cost> {
    crate::joint::cost_of::<P>(plan.parties(), |dry| run(dry, plan, [None, None]).map(drop))
}
