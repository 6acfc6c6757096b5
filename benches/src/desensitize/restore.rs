//! The gate: guesses a second, and the time of a whole gate on a typical release.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::Table;
use yu_desensitize::column::{numeric, text};
use yu_desensitize::resident::Population;
use yu_desensitize::restore::{Attack, Budget, Provenance, Release, Thresholds, Verdict, gate};

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

const SUBJECT: &str = "restore";
const RESIDENTS: u64 = 30_000;
const TRIES: u64 = 1 << 22;

/// The figures of `yu_desensitize::restore`.
///
/// # Errors
/// If a verdict is not the one that is right.
pub(super) fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut push = |name: &str, unit, value, better| {
        rows.push(Row { subject: SUBJECT, name: name.into(), unit, value, better, limit: None, aim: None })
    };
    let keyed = Provenance::KeyedDeterministic { domain: None };
    for (name, length) in [("dictionary, SHA-256 and SM3", 64), ("dictionary, SHA-1", 40), ("dictionary, MD5, cut SHA-1, SHA-256, SM3", 32)]
    {
        if !args.wants(SUBJECT, name) {
            continue;
        }
        let table = Table::from_columns("tokens", vec![("mobile", tokens(10_000, length))])?;
        let release = Release::of(&table).with("mobile", keyed);
        let limits = Thresholds { budget: Budget { tries: TRIES, seconds: 600.0 }, ..Thresholds::default() };
        let (seconds, verdict) = best_of(args.runs, || run(&release, &limits));
        let verdict = verdict?;
        let attempt =
            verdict.attempts.iter().find(|attempt| attempt.attack == Attack::Dictionary).ok_or("no dictionary attack was made")?;
        if !attempt.passed || attempt.cost.tries < TRIES / 2 {
            return Err("random tokens were taken for digests, or too few guesses were made".into());
        }
        push(name, "M guesses/s", attempt.cost.tries as f64 / seconds / 1e6, Better::More);
    }
    if args.wants(SUBJECT, "gate of a release") {
        let (original, released, origins) = typical()?;
        let release = Release { row_of: Some(&origins), ..Release::of(&released).from_original(&original) }
            .with("resident_id", keyed)
            .with("age", Provenance::Generalised)
            .with_quasi_identifiers(&["district", "age"]);
        let (seconds, verdict) = best_of(args.runs, || run(&release, &Thresholds::default()));
        if let Some(refusal) = verdict?.refusals().next() {
            return Err(format!("a sound release was refused: {}", refusal.reason.en).into());
        }
        push("gate of a release, 30,000 rows, 4 columns", "ms", seconds * 1e3, Better::Less);
    }
    Ok(rows)
}

fn run(release: &Release<'_>, limits: &Thresholds) -> Result<Verdict> {
    Ok(gate(release, limits, &mut ChaCha20Rng::seed_from_u64(1))?)
}

/// Tokens that no function without a key gives.
fn tokens(count: u64, length: usize) -> ArrayRef {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let token = |_| (0..length).filter_map(|_| char::from_digit(rng.next_u32() % 16, 16)).collect::<String>();
    Arc::new(StringArray::from((0..count).map(token).collect::<Vec<_>>()))
}

/// Simulated residents, and a release of them: a token for the person, age in bands of twenty years.
fn typical() -> Result<(Table, Table, Vec<u64>)> {
    let health = Population::new(7, RESIDENTS, 1, 0.5)?.health()?;
    let bands: Vec<String> = numeric(&health, "age")?
        .into_iter()
        .map(|age| format!("[{0}, {1})", 20.0 * (age / 20.0).floor(), 20.0 * (age / 20.0).floor() + 20.0))
        .collect();
    let column = |name| -> Result<ArrayRef> { Ok(Arc::new(StringArray::from(text(&health, name)?))) };
    let released = Table::from_columns(
        "release",
        vec![
            ("resident_id", tokens(RESIDENTS, 64)),
            ("district", column("district")?),
            ("age", Arc::new(StringArray::from(bands))),
            ("chronic", column("chronic")?),
        ],
    )?;
    Ok((health, released, (0..RESIDENTS).collect()))
}
