//! Masks, pseudonyms and format-preserving encryption on one core, on whole columns and on the kernels below them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::Table;
use yu_desensitize::transform::ff1::{Direction, Ff1, Halves};
use yu_desensitize::transform::{Hash, Hmac, KeyId, Keys, Mask, Operator, Plan, Step, TransformKey, reveal};

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

/// Cells of a column: a few batches.
const CELLS: usize = 1 << 20;

/// What is measured on a column: name, operator, limit and aim in millions a second.
type Column = (&'static str, &'static str, Option<f64>, Option<f64>);

const COLUMNS: [Column; 9] = [
    ("column keep 3 and 4 of 11", r#"{"op":"keep","first":3,"last":4}"#, None, None),
    ("column hmac-sm3, 11 digits", r#"{"op":"hmac","hash":"sm3","purpose":"bench"}"#, Some(8.0), Some(30.0)),
    ("column hmac-sha256, 11 digits", r#"{"op":"hmac","hash":"sha256","purpose":"bench"}"#, None, None),
    ("column ff1, 11 digits", r#"{"op":"ff1","alphabet":"digits","purpose":"bench"}"#, Some(4.0), Some(10.0)),
    ("column token sm4", r#"{"op":"token","cipher":"sm4","purpose":"bench"}"#, None, None),
    ("column token aes", r#"{"op":"token","cipher":"aes","purpose":"bench"}"#, None, None),
    ("column mobile", r#"{"op":"mobile","purpose":"bench"}"#, None, None),
    ("column resident_id", r#"{"op":"resident_id","purpose":"bench"}"#, None, None),
    ("column round", r#"{"op":"round","to":1000}"#, None, None),
];

/// All figures of transforms.
///
/// # Errors
/// A result that is wrong.
pub(super) fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if args.wants("transform", "kernel mask") {
        rows.push(mask(args)?);
    }
    if args.wants("transform", "kernel hmac-sm3") {
        rows.push(hmac(args)?);
    }
    if args.wants("transform", "kernel ff1") {
        rows.push(ff1(args)?);
    }
    for column in COLUMNS {
        if args.wants("transform", column.0) {
            rows.push(self::column(args, column)?);
        }
    }
    Ok(rows)
}

fn row(name: &str, unit: &'static str, value: f64, limit: Option<f64>, aim: Option<f64>) -> Row {
    Row { subject: "transform", name: name.to_owned(), unit, value, better: Better::More, limit, aim }
}

fn mask(args: &DesensitizeArgs) -> Result<Row> {
    let cells: Vec<u8> = (0..CELLS * 11).map(|place| b'0' + (place % 10) as u8).collect();
    let mask = Mask { first: 3, last: 4, with: '*', length: None };
    let times = 20;
    let (seconds, masked) = best_of(args.runs, || {
        let mut masked = None;
        for _ in 0..times {
            masked = std::hint::black_box(mask.fixed(11, &cells));
        }
        masked
    });
    let is_right = |masked: Vec<u8>| {
        masked.chunks(11).zip(cells.chunks(11)).all(|(new, old)| new[..3] == old[..3] && &new[3..7] == b"****" && new[7..] == old[7..])
    };
    if !masked.is_some_and(is_right) {
        return Err("the mask is wrong".into());
    }
    Ok(row("kernel mask, 11 bytes", "GB/s", (cells.len() * times) as f64 / seconds / 1e9, Some(1.0), Some(3.0)))
}

fn hmac(args: &DesensitizeArgs) -> Result<Row> {
    let ids: Vec<[u8; 18]> = {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        (0..CELLS).map(|_| std::array::from_fn(|_| b'0' + (rng.next_u32() % 10) as u8)).collect()
    };
    let hmac = Hmac::new(Hash::Sm3, &[5; 32]);
    let mut codes = vec![[0; 32]; CELLS];
    let (seconds, ()) = best_of(args.runs, || hmac.each(ids.iter().map(<[u8; 18]>::as_slice), |number, code| codes[number] = *code));
    if (0..CELLS).step_by(1001).any(|number| codes[number] != hmac.code(&ids[number])) {
        return Err("a code of HMAC-SM3 is wrong".into());
    }
    Ok(row("kernel hmac-sm3, 18 bytes", "M/s", CELLS as f64 / seconds / 1e6, Some(8.0), Some(30.0)))
}

fn ff1(args: &DesensitizeArgs) -> Result<Row> {
    let ff1 = Ff1::new(&[7; 32], 10)?;
    let shape = ff1.shape(b"tweak", 11)?.ok_or("eleven digits do not fit")?;
    let plain: Vec<Halves> = (0..CELLS as u64).map(|i| Halves { a: i * 7 % 100_000, b: i * 13 % 1_000_000 }).collect();
    let mut strings = plain.clone();
    let (seconds, ()) = best_of(args.runs, || ff1.run(Direction::Encrypt, &shape, &mut strings));
    for _ in 0..args.runs {
        ff1.run(Direction::Decrypt, &shape, &mut strings);
    }
    if strings.iter().zip(&plain).any(|(back, plain)| (back.a, back.b) != (plain.a, plain.b)) {
        return Err("FF1 does not come back".into());
    }
    Ok(row("kernel ff1 (AES-256), 11 digits", "M/s", CELLS as f64 / seconds / 1e6, Some(4.0), Some(10.0)))
}

fn column(args: &DesensitizeArgs, (name, operator, limit, aim): Column) -> Result<Row> {
    let operator: Operator = serde_json::from_str(operator)?;
    let cells: StringArray = if name.contains("resident_id") { residents() } else { mobiles() };
    let column: ArrayRef = Arc::new(cells);
    // batches as a reader gives them
    let tables = (0..CELLS).step_by(1 << 16).map(|start| Table::from_columns("bench", vec![("x", column.slice(start, 1 << 16))]));
    let tables = tables.collect::<yu_desensitize::Result<Vec<_>>>()?;
    let keys: Keys = TransformKey::generate(KeyId::new("bench")?, &mut ChaCha20Rng::from_seed([3; 32])).into();
    let mut plan = Plan::new(&[Step::new("x", operator.clone())], &keys, &mut ChaCha20Rng::from_seed([4; 32]))?;
    let (seconds, done) = best_of(args.runs, || tables.iter().map(|table| plan.batch(table)).collect::<yu_desensitize::Result<Vec<_>>>());
    for (before, after) in tables.iter().zip(done?) {
        let back = if operator.is_reversible() { reveal(&after, "x", &operator, &keys)? } else { before.clone() };
        let texts = |table: &Table| table.batches().map(|batch| batch.column(0).as_string::<i32>().clone()).next();
        if texts(&back) != texts(before) || texts(&after) == texts(before) {
            return Err(format!("{name} is wrong").into());
        }
    }
    Ok(row(name, "M/s", CELLS as f64 / seconds / 1e6, limit, aim))
}

fn mobiles() -> StringArray {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    (0..CELLS).map(|_| Some(format!("13{:09}", rng.next_u32() % 1_000_000_000))).collect()
}

fn residents() -> StringArray {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let one = |_| {
        let random = rng.next_u64();
        let (year, month, day) = (1930 + random % 90, 1 + (random >> 8) % 12, 1 + (random >> 16) % 28);
        let body = format!("{:06}{year:04}{month:02}{day:02}{:03}", 330_200 + (random >> 24) % 90, (random >> 32) % 1000);
        let check = body.as_bytes().try_into().map_or(b'0', yu_desensitize::key::resident_id::check_digit);
        Some(format!("{body}{}", char::from(check)))
    };
    (0..CELLS).map(one).collect()
}
