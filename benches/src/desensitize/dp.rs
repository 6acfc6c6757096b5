//! Differential privacy: rows and samples per second of one core, and how far the accountants are from the golden values.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::Table;
use yu_desensitize::dp::account::calibrate::{self, Accountant};
use yu_desensitize::dp::account::rdp::{self, RdpAccountant};
use yu_desensitize::dp::noise::{DiscreteGaussian, DiscreteLaplace, Ratio};
use yu_desensitize::dp::release::Spend;
use yu_desensitize::dp::release::aggregate::{Clamp, count, mean, sum};
use yu_desensitize::dp::{AddRemove, Allowance, Cost, Delta, Epsilon, Loss, Neighbours, NoiseMultiplier, SamplingRate};

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

const SUBJECT: &str = "dp";
const ROWS: usize = 4_000_000;
const SAMPLES: usize = 1 << 20;

/// All figures of differential privacy.
///
/// # Errors
/// A result far from the truth; golden values that cannot be read.
pub fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    aggregates(args, &mut rows)?;
    samplers(args, &mut rows)?;
    if args.wants(SUBJECT, "accountants beside golden values")
        && let Some(shared) = args.shared()
    {
        rows.extend(accountants(&shared.join("vectors/dp/epsilon.tsv"))?);
    }
    Ok(rows)
}

fn rate(name: String, millions: f64, limit: f64, aim: f64) -> Row {
    Row { subject: SUBJECT, name, unit: "M/s", value: millions, better: Better::More, limit: Some(limit), aim: Some(aim) }
}

/// A column of doubles and one of integers, without and with one cell in 16 missing.
fn table() -> Result<Table> {
    let cell = |index: usize| (index.wrapping_mul(2_654_435_761) >> 7) % 130;
    let there = |index: usize| index % 16 != 5;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("f64", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|index| cell(index) as f64 + 0.25)))),
        ("i64", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|index| cell(index) as i64)))),
        ("f64 with nulls", Arc::new(Float64Array::from_iter((0..ROWS).map(|index| there(index).then(|| cell(index) as f64 + 0.25))))),
        ("i64 with nulls", Arc::new(Int64Array::from_iter((0..ROWS).map(|index| there(index).then(|| cell(index) as i64))))),
    ];
    Ok(Table::from_columns("measured", columns)?)
}

fn aggregates(args: &DesensitizeArgs, rows: &mut Vec<Row>) -> Result<()> {
    if !args.wants(SUBJECT, "slowest of count, clamped sum and mean, f64 i64 with nulls") {
        return Ok(());
    }
    let table = table()?;
    let (one, spend) = (Neighbours::<AddRemove>::record(), Spend::Laplace(Epsilon::new(1.0)?));
    let mut purse = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Pure(Epsilon::new(1e4)?)));
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    // 0 to 129 alike often, clamped at 100: 61.15, and a part of a quarter more in doubles
    for column in ["f64", "i64", "f64 with nulls", "i64 with nulls"] {
        let clamp = if column.starts_with('f') { Clamp::on_grid(0.0, 100.0, 10)? } else { Clamp::integers(0, 100)? };
        let (counted, found) = best_of(args.runs, || count(&table, column, one, spend, &mut purse, &mut rng));
        let count = found?.value;
        let (summed, found) = best_of(args.runs, || sum(&table, column, clamp, one, spend, &mut purse, &mut rng));
        let sum = found?.value;
        let (averaged, found) = best_of(args.runs, || mean(&table, column, clamp, one, spend, &mut purse, &mut rng));
        let mean = found?.value;
        if (sum / count - mean).abs() > 0.1 || !(61.0..61.7).contains(&mean) {
            return Err(format!("count {count}, sum {sum} and mean {mean} of `{column}` do not agree").into());
        }
        // counting integers reads the number of nulls only, so the slowest of the three is the figure
        let seconds = counted.max(summed).max(averaged);
        rows.push(rate(format!("slowest of count, clamped sum and mean, {column}"), ROWS as f64 / seconds / 1e6, 100.0, 200.0));
    }
    Ok(())
}

fn samplers(args: &DesensitizeArgs, rows: &mut Vec<Row>) -> Result<()> {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let mut out = vec![0i64; SAMPLES];
    for variance in [1u128, 100, 1 << 40] {
        let name = format!("exact discrete Gaussian, variance {variance}");
        if args.wants(SUBJECT, &name) {
            let gaussian = DiscreteGaussian::new(Ratio::new(variance, 1)?)?;
            let (seconds, ()) = best_of(args.runs, || gaussian.fill(black_box(&mut out), &mut rng));
            let found = out.iter().map(|x| (*x as f64).powi(2)).sum::<f64>() / SAMPLES as f64 / variance as f64;
            if (found - 1.0).abs() > 0.02 {
                return Err(format!("{name}: variance off by the factor {found}").into());
            }
            rows.push(rate(name, SAMPLES as f64 / seconds / 1e6, 2.0, 5.0));
        }
    }
    let name = "exact discrete Laplace, scale 20".to_owned();
    if args.wants(SUBJECT, &name) {
        let laplace = DiscreteLaplace::new(Ratio::new(20, 1)?)?;
        let (seconds, ()) = best_of(args.runs, || laplace.fill(black_box(&mut out), &mut rng));
        rows.push(rate(name, SAMPLES as f64 / seconds / 1e6, 2.0, 5.0));
    }
    Ok(())
}

/// The largest deviations of both accountants, and the processor time of the slower one.
fn accountants(golden: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(golden)?;
    let (mut rdp_worst, mut pld_worst, mut slowest) = (0.0f64, 0.0f64, 0.0f64);
    for line in text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())) {
        let fields = line.split_whitespace().map(|field| field.parse::<f64>().map_err(Into::into)).collect::<Result<Vec<f64>>>()?;
        let [q, sigma, steps, delta, rdp_golden, _, _, _, pld_golden, ..] = fields[..] else {
            return Err("a row of golden values is too short".into());
        };
        let (rate, noise, delta) = (SamplingRate::new(q)?, NoiseMultiplier::new(sigma)?, Delta::new(delta)?);
        let whole = rdp::default_orders().into_iter().filter(|order| order.fract() == 0.0).collect();
        let mut account = RdpAccountant::with_orders(whole)?;
        account.add_gaussian(rate, noise, steps as u32);
        rdp_worst = rdp_worst.max((account.epsilon(delta)?.0.get() - rdp_golden).abs());
        let (seconds, found) = best_of(1, || calibrate::epsilon(Accountant::Pld, rate, noise, steps as u32, delta));
        slowest = slowest.max(seconds);
        pld_worst = pld_worst.max((found?.get() - pld_golden).abs());
    }
    let row = |name: &str, unit, value, limit| Row {
        subject: SUBJECT,
        name: name.to_owned(),
        unit,
        value,
        better: Better::Less,
        limit,
        aim: None,
    };
    Ok(vec![
        row("Rényi accountant beside golden values, largest deviation of epsilon", "", rdp_worst, Some(1e-7)),
        row("loss-distribution accountant beside golden values, largest deviation of epsilon", "", pld_worst, Some(3e-4)),
        row("loss-distribution accountant, slowest golden row", "ms", slowest * 1e3, None),
    ])
}
