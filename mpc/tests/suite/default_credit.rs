//! A real table split between two owners: all 24 numeric columns against an independent clear computation.

use std::collections::HashMap;
use std::path::PathBuf;

use yu_mpc::stats::{Grouping, Owner, Side, StatsPlan};

use crate::world::{NAMES, Table, job};

/// Header and rows; the files have no quoted cells.
struct Csv {
    columns: Vec<String>,
    keys: Vec<String>,
    numeric: Vec<Vec<f64>>,
}

fn read(path: &std::path::Path) -> Csv {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let columns = lines.next().unwrap().split(',').skip(1).map(String::from).collect();
    let (mut keys, mut numeric) = (Vec::new(), Vec::new());
    for line in lines {
        let mut cells = line.split(',');
        keys.push(cells.next().unwrap().to_owned());
        numeric.push(cells.map(|cell| cell.parse().unwrap()).collect());
    }
    Csv { columns, keys, numeric }
}

fn folder() -> Option<PathBuf> {
    let shared =
        std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = shared.join("data/default_credit");
    folder.is_dir().then_some(folder)
}

#[test]
fn correlations_of_all_columns() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no data/default_credit in $YU_SHARED or beside the workspace");
        return;
    };
    let guest = read(&folder.join("default_credit_hetero_guest.csv"));
    let host = read(&folder.join("default_credit_hetero_host.csv"));
    let classes = guest.numeric.iter().map(|row| row[0] as u32).collect();
    let plan = StatsPlan {
        left: Side { party: NAMES[0].into(), columns: guest.columns.clone() },
        right: Side { party: NAMES[1].into(), columns: host.columns.clone() },
        helper: NAMES[2].into(),
        grouping: Some(Grouping { side: Owner::Left, column: "y".into(), categories: vec!["0".into(), "1".into()] }),
        min_cell: 10,
    };
    let left = Table { keys: guest.keys, numeric: guest.numeric, groups: Some(classes) };
    let right = Table { keys: host.keys, numeric: host.numeric, groups: None };
    let result = job(&plan, &left, &right).statistics;
    assert_eq!(result.count, 30_000);
    assert_eq!(result.columns.len(), 24);

    let at: HashMap<_, _> = right.keys.iter().zip(&right.numeric).collect();
    let rows: Vec<Vec<f64>> = left.keys.iter().zip(&left.numeric).map(|(key, row)| [&row[..], at[key]].concat()).collect();
    let n = rows.len() as f64;
    let sum = |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|row| f(row)).sum::<f64>();
    let means: Vec<f64> = (0..24).map(|column| sum(&|row| row[column]) / n).collect();
    let cov = |i: usize, j: usize| sum(&|row| (row[i] - means[i]) * (row[j] - means[j]));
    let squares: Vec<f64> = (0..24).map(|column| cov(column, column)).collect();
    let mut worst = 0.0f64;
    let mut compare = |got: Option<f64>, expected: f64, what: &str| {
        let error = (got.unwrap() - expected).abs();
        worst = worst.max(error);
        assert!(error < 1e-4, "{what}: {error}");
    };
    for i in 0..24 {
        compare(result.columns[i].mean, means[i], "mean");
        compare(result.columns[i].sd, (squares[i] / (n - 1.0)).sqrt(), "sd");
        for j in 0..24 {
            compare(result.correlation[i][j], cov(i, j) / (squares[i] * squares[j]).sqrt(), "correlation");
        }
        for (class, group) in result.groups.iter().enumerate() {
            let member = |row: &[f64]| f64::from(u8::from(row[0] == class as f64));
            let size = sum(&member);
            assert_eq!(group.count as f64, size);
            compare(group.means[i], sum(&|row| member(row) * row[i]) / size, "group mean");
        }
    }
    eprintln!("24 columns, 30000 rows: largest error {worst:e}");
}
