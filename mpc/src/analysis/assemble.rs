//! The recipient's part: from the opened vector to named results.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::plan::{AnalysisPlan, BITS, ColumnAt, Edges, Step};
use crate::joint::{in_units, summarise};
use crate::learn::Weight;
use crate::moments::{Sizes, Sums};
use crate::ring::{Element, Float64};
use crate::stats::Statistics;
use crate::table::Fraction;
use crate::{Error, Result};

/// Results of all steps. Undefined numbers are `None` (`null` in JSON).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Matched rows.
    #[serde(with = "crate::text")]
    pub matched: u64,
    /// One for each step, in order.
    pub steps: Vec<StepResult>,
}

/// Sizes only: a held result must not get into a log.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

/// Result of one step.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepResult {
    /// Count, means, deviations, correlations, group means.
    Stats(Statistics),
    /// Means of the values around quantiles.
    Quantiles {
        /// One for each column.
        columns: Vec<ColumnQuantiles>,
    },
    /// Counts by ranges.
    Histogram {
        /// The column.
        column: Named,
        /// One more than there are edges.
        bins: Vec<Bin>,
    },
    /// Counts, sums and means by categories.
    Groupby {
        /// Columns that group.
        by: Vec<Named>,
        /// Columns that are added up.
        values: Vec<Named>,
        /// All combinations of categories.
        groups: Vec<GroupRow>,
    },
    /// A linear model: `target = mean + sd (intercept + sum weight (x - mean) / sd)`, with mean and sd of the target and of each feature.
    LinearRegression(Model),
    /// A logistic model: the target is 1 with probability `1 / (1 + exp(-z))`, `z = intercept + sum weight (x - mean) / sd`.
    LogisticRegression(Model),
}

/// A column by its owner and name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Who owns it.
    pub party: String,
    /// Its name.
    pub name: String,
}

/// Quantiles of one column.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnQuantiles {
    /// The column.
    pub column: Named,
    /// In the order of the plan.
    pub quantiles: Vec<Quantile>,
}

/// One quantile.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// Part of the rows that it does not exceed, in ten thousandths.
    pub per_ten_thousand: u32,
    /// Mean of the values around it.
    pub value: Option<f64>,
    /// How many they are.
    #[serde(with = "crate::text")]
    pub rows: u64,
}

/// One bin of a histogram.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Values are not below it; absent in the first bin.
    pub from: Option<f64>,
    /// Values are below it; absent in the last bin.
    pub below: Option<f64>,
    /// Matched rows.
    #[serde(with = "crate::text")]
    pub count: u64,
}

/// One group.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRow {
    /// Its category in each column that groups.
    pub labels: Vec<String>,
    /// Matched rows.
    #[serde(with = "crate::text")]
    pub count: u64,
    /// Sum of each value column.
    pub sums: Vec<Option<f64>>,
    /// Mean of each value column.
    pub means: Vec<Option<f64>>,
}

/// A regression's weights and what is needed to apply them. Standardised values beyond ±31 ([`FEATURE_LIMIT`](super::FEATURE_LIMIT)) were cut off there.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What is predicted; with mean 0 and standard deviation 1 if it is a label, which is not standardised.
    pub target: ScaledColumn,
    /// One for each feature.
    pub features: Vec<ScaledColumn>,
    /// Constant term.
    pub intercept: f64,
    /// Matched rows, on which it was trained.
    #[serde(with = "crate::text")]
    pub count: u64,
    /// Matched rows whose label is 1; absent in a linear model.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub positives: Option<u64>,
}

/// A column of a model.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledColumn {
    /// The column.
    pub column: Named,
    /// Mean over all rows that its owner brought.
    pub mean: Option<f64>,
    /// Standard deviation (divided by n) over the same rows.
    pub sd: Option<f64>,
    /// Weight of the standardised value; 1 for the target.
    pub weight: f64,
}

mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "crate::text")] u64);

    #[expect(clippy::ref_option, reason = "the signature that serde wants")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => crate::text::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Some(Text::deserialize(deserializer)?.0))
    }
}

/// Names the opened numbers.
///
/// # Errors
/// [`Error::Shape`] for another length; [`Error::Policy`] if keys repeat within a side; [`Error::Caller`] for numbers that no rows have.
pub fn assemble(plan: &AnalysisPlan, result: &[u64]) -> Result<Outcome> {
    plan.check()?;
    let mut lens = plan.steps.iter().map(|step| plan.result_len(step)).collect::<Result<Vec<_>>>()?;
    lens.splice(0..0, [1, 1]);
    if result.len() != lens.iter().sum::<usize>() {
        return Err(Error::shape("analysis", &[result.len()], &[lens.iter().sum()]));
    }
    let mut rest = result;
    let mut parts = lens.into_iter().map(|len| {
        let (part, more) = rest.split_at(len);
        rest = more;
        part
    });
    if parts.next() != Some(&[0][..]) {
        let parties = [&plan.left, &plan.right].map(|side| side.party.as_str());
        return Err(Error::policy(&parties.join("` or `"), "keys repeat within one side, so that rows were matched wrongly"));
    }
    let matched = parts.next().and_then(|part| part.first().copied()).unwrap_or(u64::MAX);
    if matched > u64::from(plan.left.rows.min(plan.right.rows)) {
        return Err(out_of_range());
    }
    let of = Assembly { plan, matched };
    let steps = plan.steps.iter().zip(parts).map(|(step, part)| of.step(step, part)).collect::<Result<_>>()?;
    Ok(Outcome { matched, steps })
}

fn out_of_range() -> Error {
    Error::caller("numbers that no rows have: a party shared values outside their range")
}

struct Assembly<'a> {
    plan: &'a AnalysisPlan,
    matched: u64,
}

impl Assembly<'_> {
    fn named(&self, at: ColumnAt) -> Result<Named> {
        Ok(Named { party: self.plan.side(at.owner).party.clone(), name: self.plan.numeric(at)?.name.clone() })
    }

    fn all_named(&self, columns: &[ColumnAt]) -> Result<Vec<Named>> {
        columns.iter().map(|at| self.named(*at)).collect()
    }

    fn step(&self, step: &Step, part: &[u64]) -> Result<StepResult> {
        match step {
            Step::Stats { columns, group } => self.stats(columns, *group, part),
            Step::Quantiles { columns, at } => self.quantiles(columns, at, part),
            Step::Histogram { column, edges } => self.histogram(*column, edges, part),
            Step::Groupby { by, values } => self.groupby(by, values, part),
            Step::LinearRegression { target, features, .. } => {
                let columns: Vec<ColumnAt> = features.iter().chain([target]).copied().collect();
                Ok(StepResult::LinearRegression(self.model(&columns, features.len(), *target, part)?))
            }
            Step::LogisticRegression { target, features, .. } => {
                Ok(StepResult::LogisticRegression(self.model(features, features.len(), *target, part)?))
            }
        }
    }

    fn stats(&self, columns: &[ColumnAt], group: Option<ColumnAt>, part: &[u64]) -> Result<StepResult> {
        let none: Vec<String> = Vec::new();
        let labels = group.map_or(Ok(&none), |at| self.plan.categorical(at).map(|column| &column.labels))?;
        let sums = Sums::of(Sizes { columns: columns.len(), groups: labels.len() }, part)?;
        if sums.count != self.matched {
            return Err(out_of_range());
        }
        let named = columns.iter().map(|at| {
            let column = self.plan.numeric(*at)?;
            Ok((self.plan.side(at.owner).party.as_str(), column.name.as_str(), column.exponent))
        });
        Ok(StepResult::Stats(summarise(&named.collect::<Result<Vec<_>>>()?, labels, &sums)))
    }

    fn quantiles(&self, columns: &[ColumnAt], at: &[Fraction], part: &[u64]) -> Result<StepResult> {
        let matched = usize::try_from(self.matched).map_err(|_| out_of_range())?;
        let columns = columns.iter().zip(part.chunks(at.len().max(1))).map(|(column, sums)| {
            let exponent = self.plan.numeric(*column)?.exponent;
            let quantiles = at.iter().zip(sums).map(|(fraction, sum)| {
                let rows = fraction.around(matched, self.plan.half_window()).len() as u64;
                let sum = bounded(*sum, rows)?;
                let value = (rows > 0).then(|| in_units(sum as f64 / rows as f64, exponent));
                let part = u64::from(fraction.numerator) * 10_000 / u64::from(fraction.denominator.max(1));
                Ok(Quantile { per_ten_thousand: u32::try_from(part).unwrap_or(u32::MAX), value, rows })
            });
            Ok(ColumnQuantiles { column: self.named(*column)?, quantiles: quantiles.collect::<Result<_>>()? })
        });
        Ok(StepResult::Quantiles { columns: columns.collect::<Result<_>>()? })
    }

    fn histogram(&self, column: ColumnAt, edges: &[f64], part: &[u64]) -> Result<StepResult> {
        self.count(part.iter())?;
        let inside = Edges::of(edges, self.plan.numeric(column)?.exponent);
        // no value lies beyond its column's magnitude
        let counts = std::iter::repeat_n(0, inside.below).chain(part.iter().copied()).chain(std::iter::repeat_n(0, inside.above));
        let bins = counts.enumerate().map(|(at, count)| Bin {
            from: at.checked_sub(1).and_then(|at| edges.get(at).copied()),
            below: edges.get(at).copied(),
            count,
        });
        Ok(StepResult::Histogram { column: self.named(column)?, bins: bins.collect() })
    }

    fn groupby(&self, by: &[ColumnAt], values: &[ColumnAt], part: &[u64]) -> Result<StepResult> {
        let groups = self.plan.groups(by)?;
        let (counts, sums) = part.split_at(groups.min(part.len()));
        self.count(counts.iter())?;
        let categories: Vec<&[String]> = by.iter().map(|at| Ok(&self.plan.categorical(*at)?.labels[..])).collect::<Result<_>>()?;
        let labels = |group: usize| {
            let mut rest = group;
            let mut labels: Vec<String> = Vec::new();
            for categories in categories.iter().rev() {
                labels.extend(categories.get(rest % categories.len().max(1)).cloned());
                rest /= categories.len().max(1);
            }
            labels.reverse();
            labels
        };
        let exponents: Vec<i32> = values.iter().map(|at| Ok(self.plan.numeric(*at)?.exponent)).collect::<Result<_>>()?;
        let row = |(group, count): (usize, &u64)| {
            let sums: Vec<i64> = sums.chunks(groups.max(1)).map(|column| bounded(column[group], *count)).collect::<Result<_>>()?;
            let some = |value: f64, exponent: i32| (*count > 0).then(|| in_units(value, exponent));
            Ok(GroupRow {
                labels: labels(group),
                count: *count,
                sums: sums.iter().zip(&exponents).map(|(sum, e)| some(*sum as f64, *e)).collect(),
                means: sums.iter().zip(&exponents).map(|(sum, e)| some(*sum as f64 / *count as f64, *e)).collect(),
            })
        };
        let rows = counts.iter().enumerate().map(row).collect::<Result<_>>()?;
        let by = by.iter().map(|at| {
            let name = self.plan.categorical(*at)?.name.clone();
            Ok(Named { party: self.plan.side(at.owner).party.clone(), name })
        });
        Ok(StepResult::Groupby { by: by.collect::<Result<_>>()?, values: self.all_named(values)?, groups: rows })
    }

    /// Counts of all matched rows.
    fn count<'a>(&self, counts: impl Iterator<Item = &'a u64>) -> Result<()> {
        let sum = counts.copied().try_fold(0u64, u64::checked_add);
        if sum == Some(self.matched) { Ok(()) } else { Err(out_of_range()) }
    }

    /// `scaled` are the columns whose mean and deviation come along: the features, and the target of a linear model.
    fn model(&self, scaled: &[ColumnAt], features: usize, target: ColumnAt, part: &[u64]) -> Result<Model> {
        let (weights, rest) = part.split_at_checked(features + 1).ok_or_else(out_of_range)?;
        let (scales, positives) = rest.split_at_checked(2 * scaled.len()).ok_or_else(out_of_range)?;
        let weights: Vec<f64> = weights.iter().map(|raw| Weight::decode(*raw)).collect();
        let finite = |raw: u64| Some(Float64::decode(raw)).filter(|value| value.is_finite());
        let columns = scaled.iter().zip(scales.chunks_exact(2)).enumerate().map(|(at, (column, scale))| {
            let weight = if at < features { weights[at] } else { 1.0 };
            Ok(ScaledColumn { column: self.named(*column)?, mean: finite(scale[0]), sd: finite(scale[1]), weight })
        });
        let mut columns: Vec<ScaledColumn> = columns.collect::<Result<_>>()?;
        let target = if columns.len() > features {
            columns.pop().ok_or_else(out_of_range)?
        } else {
            ScaledColumn { column: self.named(target)?, mean: Some(0.0), sd: Some(1.0), weight: 1.0 }
        };
        if positives.iter().any(|count| *count > self.matched) {
            return Err(out_of_range());
        }
        let intercept = weights.last().copied().unwrap_or_default();
        Ok(Model { target, features: columns, intercept, count: self.matched, positives: positives.first().copied() })
    }
}

/// A sum of so many values of [`BITS`] bits.
fn bounded(raw: u64, rows: u64) -> Result<i64> {
    let sum = raw.cast_signed();
    if u128::from(sum.unsigned_abs()) <= u128::from(rows) << BITS { Ok(sum) } else { Err(out_of_range()) }
}

impl Model {
    /// The score of a row: `intercept + sum weight (x - mean) / sd`, values in the order of the features. For a logistic model it is the logarithm of the odds.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        let term = |(value, column): (&f64, &ScaledColumn)| {
            let standard = (value - column.mean.unwrap_or_default()) / column.sd.unwrap_or(1.0);
            column.weight * standard.clamp(-super::FEATURE_LIMIT, super::FEATURE_LIMIT)
        };
        self.intercept + row.iter().zip(&self.features).map(term).sum::<f64>()
    }
}
