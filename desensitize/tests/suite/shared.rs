//! The public data sets, where they are at hand.

use std::path::PathBuf;

use yu_desensitize::column;
use yu_desensitize::key::{KeySpec, Normalise, normalise};
use yu_desensitize::read::{ReadOptions, read_table};

/// The data folder of `$YU_SHARED`, or of `shared` beside the workspace.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let file = root.join("data").join(path);
    if file.is_file() {
        return Some(file);
    }
    println!("skipped: {path} is not in the data folder; set YU_SHARED to the folder that holds `data`");
    None
}

#[test]
fn default_credit() {
    for (half, columns) in [("guest", 15), ("host", 11)] {
        let Some(path) = data(&format!("default_credit/default_credit_hetero_{half}.csv")) else {
            return;
        };
        let table = read_table(path, &ReadOptions { keys: vec!["id".into()], ..ReadOptions::default() }).unwrap();
        assert_eq!((table.num_rows(), table.num_columns()), (30_000, columns));
        let keys = normalise(&table, &KeySpec::new("id", &[Normalise::Trim])).unwrap();
        assert_eq!((keys.failed_rows(), keys.duplicates), (0, 0));
        for name in table.column_names() {
            assert_eq!(column::numeric(&table, name).unwrap().len(), 30_000);
        }
    }
}

#[test]
fn bank_marketing() {
    let Some(path) = data("bank_marketing/bank-full.csv") else {
        return;
    };
    let table = read_table(path, &ReadOptions::default()).unwrap();
    assert_eq!((table.num_rows(), table.num_columns()), (45_211, 17));
    let ages = column::numeric(&table, "age").unwrap();
    assert!((ages.iter().sum::<f64>() / 45_211.0 - 40.936).abs() < 0.001);
    assert_eq!(column::distinct(&table, "marital", 10).unwrap(), ["divorced", "married", "single"]);
    let yes = column::categories(&table, "y", &["no", "yes"]).unwrap().into_iter().map(u64::from).sum::<u64>();
    assert_eq!(yes, 5289);
}
