//! Transforms through the public interface.

#[path = "transform/answers.rs"]
mod answers;
#[path = "transform/ciphers.rs"]
mod ciphers;
#[path = "transform/formats.rs"]
mod formats;
#[path = "transform/idempotence.rs"]
mod idempotence;
#[path = "transform/operators.rs"]
mod operators;
#[path = "transform/properties.rs"]
mod properties;
#[path = "transform/types.rs"]
mod types;
#[path = "transform/vectors.rs"]
mod vectors;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::transform::{KeyId, Keys, Operator, TransformKey, apply};
use yu_desensitize::{Error, Table};

fn keys(byte: u8) -> Keys {
    let mut rng = ChaCha20Rng::from_seed([byte; 32]);
    TransformKey::generate(KeyId::new("joint").unwrap(), &mut rng).into()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

fn texts<S: AsRef<str>>(cells: &[Option<S>]) -> ArrayRef {
    Arc::new(cells.iter().map(|cell| cell.as_ref().map(AsRef::as_ref)).collect::<StringArray>())
}

fn table(column: ArrayRef) -> Table {
    Table::from_columns("t.csv", vec![("x", column)]).unwrap()
}

fn operator(toml: &str) -> Operator {
    #[derive(serde::Deserialize)]
    struct Rule {
        how: Operator,
    }
    toml::from_str::<Rule>(&format!("how = {toml}")).unwrap().how
}

fn cells(table: &Table, column: &str) -> Vec<Option<String>> {
    let position = table.column_names().iter().position(|name| *name == column).unwrap();
    let as_text = |batch: &arrow::record_batch::RecordBatch| {
        let texts = arrow::compute::cast(batch.column(position), &arrow::datatypes::DataType::Utf8).unwrap();
        let texts = texts.as_any().downcast_ref::<StringArray>().unwrap().clone();
        texts.iter().map(|cell| cell.map(str::to_owned)).collect::<Vec<_>>()
    };
    table.batches().flat_map(as_text).collect()
}

/// One operator on one text column.
fn run(toml: &str, input: &[&str]) -> Vec<String> {
    let input: Vec<Option<&str>> = input.iter().copied().map(Some).collect();
    let done = apply(&table(texts(&input)), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
    cells(&done, "x").into_iter().map(Option::unwrap).collect()
}

fn refusal(toml: &str, column: ArrayRef) -> String {
    let error = apply(&table(column), "x", &operator(toml), &keys(1), &mut rng()).unwrap_err();
    code(&error)
}

/// The code of a refusal, which speaks both languages.
fn code(error: &Error) -> String {
    let advice = error.advice();
    assert!(!advice.what.zh.is_empty() && !advice.remedy.zh.is_empty() && !advice.what.zh.is_ascii(), "{error}");
    error.code().to_owned()
}
