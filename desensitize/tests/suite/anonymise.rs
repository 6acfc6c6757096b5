//! Anonymity: golden values of the published tool on its own data, brute force on small lattices, hostile input.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::Table;
use yu_desensitize::anonymise::{Claim, Distance, Hierarchies, Hierarchy, Model, Problem, Spec, full_domain, local, optimum, verify};
use yu_desensitize::read::{ReadOptions, read_table, read_table_from};
use yu_desensitize::risk::{RiskSpec, assess};
use yu_desensitize::write::write_csv_to;

const QIS: [&str; 9] = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"];

/// The Adult table and its hierarchies, from the data folder of `$YU_SHARED` or of `shared` beside the workspace.
fn adult() -> Option<(Table, Hierarchies)> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = root.join("data/adult_arx");
    if !folder.is_dir() {
        println!("skipped: adult_arx is not in the data folder; set YU_SHARED to the folder that holds `data`");
        return None;
    }
    let table = read_table(folder.join("adult.csv"), &ReadOptions::default()).unwrap();
    let hierarchies = QIS
        .iter()
        .fold(Hierarchies::new(), |all, qi| all.with(qi, Hierarchy::read(folder.join(format!("adult_hierarchy_{qi}.csv"))).unwrap()));
    Some((table, hierarchies))
}

/// Results of ARX (commit aacd487) on the same data, same loss metric.
#[test]
fn the_optimum_is_that_of_the_published_tool() {
    let Some((table, hierarchies)) = adult() else { return };
    let k = |k| vec![Model::K { k }];
    let with = |k, model| vec![Model::K { k }, model];
    let column = |name: &str| name.to_owned();
    let occupation = || column("occupation");
    let salary = || column("salary-class");
    let close = |column, distance| Model::T { column, t: 0.2, distance };
    type Case = (Vec<Model>, f64, f64, u64, Vec<usize>);
    let cases: Vec<Case> = vec![
        (k(5), 0.0, 0.573_150_965_559_004_4, 0, vec![0, 4, 1, 1, 3, 2, 2, 1, 0]),
        (k(5), 0.02, 0.313_713_035_281_924_2, 506, vec![0, 3, 0, 2, 2, 1, 1, 2, 0]),
        (k(5), 0.05, 0.241_932_365_066_290_8, 1346, vec![0, 3, 0, 0, 2, 1, 1, 2, 0]),
        (k(5), 1.0, 0.220_411_928_479_842_92, 2553, vec![0, 3, 0, 0, 2, 1, 1, 1, 0]),
        (k(2), 0.02, 0.209_370_991_133_243_3, 573, vec![0, 3, 0, 1, 2, 1, 1, 1, 0]),
        (k(10), 0.02, 0.342_336_703_565_498_95, 592, vec![0, 4, 0, 1, 2, 1, 1, 2, 0]),
        (k(10), 0.05, 0.291_270_015_605_957_1, 1437, vec![0, 3, 0, 1, 2, 1, 1, 2, 0]),
        (k(20), 0.02, 0.408_269_388_101_397_46, 529, vec![0, 4, 0, 1, 2, 2, 1, 2, 0]),
        (k(100), 0.02, 0.507_286_319_012_554, 506, vec![0, 4, 1, 1, 3, 2, 1, 1, 0]),
        (with(5, Model::DistinctL { column: occupation(), l: 3 }), 0.02, 0.246_911_739_789_076_32, 522, vec![0, 3, 0, 2, 2, 1, 1, 0]),
        (
            with(5, Model::RecursiveCl { column: occupation(), c: 4.0, l: 3 }),
            0.02,
            0.255_452_914_387_686_9,
            573,
            vec![0, 3, 0, 1, 3, 1, 1, 0],
        ),
        (with(5, Model::EntropyL { column: occupation(), l: 3.0 }), 0.02, 0.275_157_113_229_025_8, 518, vec![0, 4, 0, 1, 2, 1, 1, 0]),
        (with(5, close(occupation(), Distance::Equal)), 0.02, 0.815_003_186_212_389_7, 235, vec![1, 4, 1, 1, 3, 1, 2, 1]),
        (with(5, close(occupation(), Distance::Hierarchical)), 0.02, 0.735_140_374_521_461_3, 151, vec![1, 4, 0, 2, 3, 1, 2, 1]),
        (with(5, Model::DistinctL { column: salary(), l: 2 }), 0.02, 0.378_928_772_176_422_96, 601, vec![0, 4, 0, 1, 3, 1, 1, 1]),
        (with(10, Model::DistinctL { column: salary(), l: 2 }), 0.02, 0.411_460_044_019_655_86, 585, vec![0, 4, 0, 1, 3, 1, 0, 2]),
        (with(5, close(salary(), Distance::Equal)), 0.02, 0.509_970_198_966_974_7, 302, vec![0, 4, 0, 2, 3, 1, 1, 2]),
        (vec![Model::RecursiveCl { column: occupation(), c: 4.0, l: 3 }], 0.0, 0.542_210_825_407_941, 0, vec![0, 4, 1, 0, 3, 2, 2, 0]),
        (vec![close(occupation(), Distance::Hierarchical)], 0.0, 0.759_176_306_345_683_5, 0, vec![0, 4, 1, 1, 3, 2, 2, 1]),
    ];
    for (models, suppression, score, suppressed, levels) in cases {
        let sensitive = models.iter().find_map(Model::column).unwrap_or("").to_owned();
        let qis: Vec<&str> = QIS.into_iter().filter(|qi| *qi != sensitive).collect();
        let spec = Spec::new(&qis, models.clone(), hierarchies.clone()).with_suppression(suppression);
        let best = optimum(&Problem::new(&table, &spec).unwrap()).unwrap();
        println!("{models:?} {suppression}: {best:?}");
        assert!((best.score - score).abs() < 1e-9, "{models:?} at {suppression}: {} instead of {score}", best.score);
        // without suppression several transformations of the recursive model have exactly this score: any of them is optimal
        let is_tied = matches!(models[0], Model::RecursiveCl { .. });
        assert_eq!((best.suppressed, if is_tied { &levels } else { &best.levels }), (suppressed, &levels), "{models:?} at {suppression}");
    }
}

fn claim<'a>(spec: &'a Spec) -> Claim<'a> {
    Claim { qis: &spec.qis, models: &spec.models, hierarchies: &spec.hierarchies, population: spec.population.as_ref() }
}

/// Written to a file, read back, verified, assessed.
#[test]
fn local_recoding_loses_little_and_holds() {
    let Some((table, hierarchies)) = adult() else { return };
    let salary = || "salary-class".to_owned();
    let cases = [
        (9, vec![Model::K { k: 5 }], 0.0748),
        (9, vec![Model::K { k: 10 }], 0.1149),
        (8, vec![Model::K { k: 5 }, Model::DistinctL { column: salary(), l: 2 }], 0.162),
        (8, vec![Model::K { k: 5 }, Model::T { column: salary(), t: 0.2, distance: Distance::Equal }], 0.335),
    ];
    for (columns, models, limit) in cases {
        let spec = Spec::new(&QIS[..columns], models, hierarchies.clone());
        let release = local(&table, &spec, &mut ChaCha20Rng::from_seed([3; 32])).unwrap();
        assert!(release.score <= limit, "{:?}: {}", spec.models, release.score);
        let mut bytes = Vec::new();
        write_csv_to(&release.table, &mut bytes, "release").unwrap();
        let again = read_table_from("release", bytes.into(), &ReadOptions::default()).unwrap();
        let verdict = verify(Some(&table), &again, &claim(&spec)).unwrap();
        assert!(verdict.holds, "{verdict:?}");
        assert_eq!((verdict.is_true, verdict.classes), (Some(true), release.classes));
        let mut risk = RiskSpec::new(&spec.qis, hierarchies.clone());
        risk.target = (columns == 8).then(salary);
        risk.sampling = Some(0.1);
        let report = assess(&table, &again, None, &risk).unwrap();
        assert!((report.utility.ncp - release.score).abs() < 1e-5, "{} and {}", report.utility.ncp, release.score);
        assert!(report.after.prosecutor <= 0.2 && report.before.prosecutor == 1.0);
        assert_eq!((report.grade.number, report.after.uniques), (3, 0));
        let linkage = report.linkage.clone().unwrap();
        assert!(linkage.success <= 0.2 && linkage.certain == 0, "{linkage:?}");
        if let Some(downstream) = &report.downstream {
            assert!(downstream.original > downstream.majority, "{downstream:?}");
        }
        println!("{}", serde_json::to_string(&report).unwrap());
    }
}

#[test]
fn full_domain_releases_hold() {
    let Some((table, hierarchies)) = adult() else { return };
    let spec = Spec::new(&QIS, vec![Model::K { k: 5 }], hierarchies).with_suppression(0.02);
    let release = full_domain(&table, &spec).unwrap();
    let verdict = verify(Some(&table), &release.table, &claim(&spec)).unwrap();
    assert!(verdict.holds && verdict.suppressed == 506 && verdict.classes == 222, "{verdict:?}");
    // what was not anonymised is found out
    let verdict = verify(Some(&table), &table, &claim(&spec)).unwrap();
    assert!(!verdict.holds && verdict.models[0].worst == Some(1.0));
}

fn small(rows: &[(&str, &str, &str)]) -> (Table, Hierarchies) {
    let column = |f: fn(&(&str, &str, &str)) -> String| -> ArrayRef { Arc::new(StringArray::from(rows.iter().map(f).collect::<Vec<_>>())) };
    let columns = vec![("a", column(|row| row.0.to_owned())), ("b", column(|row| row.1.to_owned())), ("s", column(|row| row.2.to_owned()))];
    let table = Table::from_columns("small", columns).unwrap();
    let a = Hierarchy::ordered("a", &["0", "1", "2", "3"], 2).unwrap();
    let b = Hierarchy::flat("b", &["x", "y"]).unwrap();
    (table, Hierarchies::new().with("a", a).with("b", b))
}

#[test]
fn hostile_tables_and_hierarchies_are_refused() {
    let refused = |rows: &[Vec<&str>]| Hierarchy::from_rows("h", rows).unwrap_err().to_string();
    assert!(refused(&[]).contains("no rows"));
    assert!(refused(&[vec!["1", "*"], vec!["2"]]).contains("line 2"));
    assert!(refused(&[vec!["1", ""], vec!["2", "*"]]).contains("missing"));
    assert!(refused(&[vec!["1", "*"], vec!["1", "*"]]).contains("occurred before"));
    assert!(refused(&[vec!["1", "a", "*"], vec!["2", "b", "*"], vec!["3", "a", "+"]]).contains("two different"));
    assert!(refused(&[vec!["1", "a"], vec!["2", "b"]]).contains("more than one value"));
    let (table, hierarchies) = small(&[("0", "x", "p"), ("9", "y", "q")]);
    let spec = Spec::new(&["a", "b"], vec![Model::K { k: 1 }], hierarchies.clone());
    let error = full_domain(&table, &spec).unwrap_err();
    assert!(error.code() == "anonymise.value" && error.to_string().contains("row 2"), "{error}");
    let (table, _) = small(&[("0", "x", "p"), ("3", "y", "q")]);
    let spec = Spec::new(&["a", "b"], vec![Model::K { k: 5 }], hierarchies.clone());
    assert_eq!(full_domain(&table, &spec).unwrap_err().code(), "anonymise.no_solution");
    assert_eq!(local(&table, &spec, &mut ChaCha20Rng::from_seed([1; 32])).unwrap_err().code(), "anonymise.no_solution");
    let all = full_domain(&table, &spec.clone().with_suppression(1.0)).unwrap();
    assert_eq!((all.suppressed, all.score), (2, 1.0));
    for rows in [&[][..], &[("2", "x", "p")][..]] {
        let (table, hierarchies) = small(rows);
        let spec = Spec::new(&["a", "b"], vec![Model::K { k: 1 }], hierarchies);
        let release = full_domain(&table, &spec).unwrap();
        assert_eq!((release.table.num_rows(), release.score), (rows.len() as u64, 0.0));
        let release = local(&table, &spec, &mut ChaCha20Rng::from_seed([1; 32])).unwrap();
        assert_eq!((release.table.num_rows(), release.score), (rows.len() as u64, 0.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every node of a small lattice, by the definition of the score.
    #[test]
    fn the_optimum_is_that_of_brute_force(cells in prop::collection::vec((0u8..4, 0u8..2, 0u8..3), 1..40), k in 1u32..5, share in 0u8..4) {
        let names: Vec<(String, &str, String)> =
            cells.iter().map(|(a, b, s)| (a.to_string(), if *b == 0 { "x" } else { "y" }, s.to_string())).collect();
        let rows: Vec<(&str, &str, &str)> = names.iter().map(|(a, b, s)| (a.as_str(), *b, s.as_str())).collect();
        let (table, hierarchies) = small(&rows);
        let suppression = f64::from(share) * 0.1;
        let models = vec![Model::K { k }, Model::EntropyL { column: "s".into(), l: 1.5 }];
        let spec = Spec::new(&["a", "b"], models, hierarchies).with_suppression(suppression);
        let mut best: Option<f64> = None;
        for (high, wide) in (0..3).flat_map(|high| (0..2).map(move |wide| (high, wide))) {
            let mut groups: HashMap<(u8, u8), Vec<u8>> = HashMap::new();
            cells.iter().for_each(|(a, b, s)| groups.entry((a >> high, if wide == 1 { 0 } else { *b })).or_default().push(*s));
            let is_bad = |group: &&Vec<u8>| {
                let share = |s: u8| group.iter().filter(|other| **other == s).count() as f64 / group.len() as f64;
                let entropy: f64 = (0..3).map(share).filter(|q| *q > 0.0).map(|q| -q * q.ln()).sum();
                group.len() < k as usize || entropy.exp() < 1.5 - 1e-9
            };
            let gone = groups.values().filter(is_bad).map(Vec::len).sum::<usize>() as f64;
            let n = cells.len() as f64;
            if gone > suppression * n + 1e-9 {
                continue;
            }
            let loss = |value: f64| ((n - gone) * value + gone) / n;
            let score = ((1.0 + loss([0.0, 1.0 / 3.0, 1.0][high])) * (1.0 + loss([0.0, 1.0][wide]))).sqrt() - 1.0;
            best = Some(best.map_or(score, |best: f64| best.min(score)));
        }
        match (full_domain(&table, &spec), best) {
            (Ok(release), Some(best)) => {
                prop_assert!((release.score - best).abs() < 1e-9, "{} and {best}", release.score);
                prop_assert!(verify(Some(&table), &release.table, &claim(&spec)).unwrap().holds);
            }
            (Err(error), None) => prop_assert_eq!(error.code(), "anonymise.no_solution"),
            (found, best) => prop_assert!(false, "{:?} and {best:?}", found.map(|release| release.score)),
        }
        if let Ok(release) = local(&table, &spec, &mut ChaCha20Rng::from_seed([9; 32])) {
            prop_assert!(verify(Some(&table), &release.table, &claim(&spec)).unwrap().holds);
        }
    }
}
