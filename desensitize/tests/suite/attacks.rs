//! Planted weaknesses, each refused at the default thresholds for the right reason, and its clean twin, which passes.

use std::collections::BTreeMap;
use std::time::Duration;

use yu_desensitize::release::ledger::{Kind, Ledger, Origin};
use yu_desensitize::release::{
    CellTable, Depth, Dimension, Given, Need, Protected, Quantity, Rules, Zeros, attack as attack_cells, protect,
};
use yu_desensitize::restore::{
    Attack, Counts, Examples, Figure, LogisticRegression, ModelUnderTest, NearestNeighbour, Other, Precision, Provenance, Release,
    Thresholds, Trainer, gate,
};
use yu_desensitize::{Lang, Table};

use crate::restore::{
    KEYED, Named, assert_passes, attempt, briefly, classes, each, keyed, mobiles, people, points, refused, rng, run, run_with, sha256,
    table,
};

const SOON: Duration = Duration::from_secs(120);

#[test]
fn unsalted_hash_of_mobiles() {
    let mobiles = mobiles(500);
    let original = table("original", vec![("mobile", mobiles.clone())]);
    let functions: [Named; 5] = [
        ("SHA-256(v)", sha256),
        ("SHA-256(v)", |text| sha256(text).to_uppercase()),
        ("SHA-256(v) (16/64)", |text| sha256(text)[..16].to_owned()),
        ("SHA-256(constant || v)", |text| sha256(&format!("salt{text}"))),
        ("SHA-256(v || constant)", |text| sha256(&format!("{text}mobile"))),
    ];
    for (name, function) in functions {
        let release = table("release", vec![("mobile", each(&mobiles, function))]);
        // a false claim of a key does not help, nor does silence
        for provenance in [Some(KEYED), None] {
            let mut input = Release::of(&release).from_original(&original);
            input.provenance.extend(provenance.map(|provenance| ("mobile".to_owned(), provenance)));
            let verdict = run(&input);
            assert!(!verdict.passed);
            let attempt = attempt(&verdict, Attack::Dictionary);
            assert_eq!((attempt.share.unwrap().value, attempt.column.as_deref()), (1.0, Some("mobile")), "{name}");
            assert!(attempt.reason.en.contains(name), "{}", attempt.reason.en);
            assert!(!attempt.reason.en.contains("138"), "no value in a reason");
        }
    }
    // with a key that nobody knows
    let release = table("release", vec![("mobile", each(&mobiles, keyed))]);
    assert_passes(&run(&Release::of(&release).from_original(&original).with("mobile", KEYED)));
}

#[test]
fn k_violation_after_a_join() {
    let mobiles = mobiles(800);
    let (ages, districts) = classes();
    let bands = each(&ages, |age| if age < "40" { "20-39".into() } else { "40-59".into() });
    // each is k-anonymous; together every other person in a class of one
    let fine: Vec<String> = (0..800).map(|person| format!("{}", person / 2)).collect();
    let earlier = table("earlier", vec![("token", each(&mobiles, keyed)), ("street", fine)]);
    let release = table("release", vec![("token", each(&mobiles, keyed)), ("age", bands), ("district", districts)]);
    let mut input = Release::of(&release).with("token", KEYED).with("age", Provenance::Generalised);
    assert_passes(&briefly(&input));
    input.others.push(Other {
        name: "2025".into(),
        table: &earlier,
        join_on: Vec::new(),
        quasi_identifiers: vec!["street".into()],
        is_earlier_release: true,
    });
    let verdict = briefly(&input);
    // the earlier release also has the same tokens, so that its rows are compared: all are in both
    assert_eq!(refused(&verdict), [Attack::Join]);
    let join = attempt(&verdict, Attack::Join);
    assert!(join.column.as_deref() == Some("2025") && join.reason.en.contains("smallest joint class has 2"));
    // a key of another purpose: nothing joins
    let other = table("earlier", vec![("token", each(&mobiles, |text| keyed(&format!("2025|{text}")))), ("street", vec!["1".into(); 800])]);
    input.others[0].table = &other;
    assert_passes(&briefly(&input));
}

#[test]
fn differencing_pair_of_rows() {
    let (ages, districts) = classes();
    let bands = each(&ages, |age| if age < "40" { "20-39".into() } else { "40-59".into() });
    let illness: Vec<String> = (0..800).map(|person| ["none", "diabetes", "asthma"][person % 3].to_owned()).collect();
    let columns = |rows: usize| {
        let cut = |cells: &[String]| cells[..rows].to_vec();
        vec![("age", cut(&bands)), ("district", cut(&districts)), ("illness", cut(&illness))]
    };
    let (before, after, much_later) = (table("january", columns(700)), table("february", columns(702)), table("june", columns(800)));
    let refused_for = |now: &Table| {
        let mut input = Release::of(now).with("age", Provenance::Generalised).with_quasi_identifiers(&["age", "district"]);
        let other =
            Other { name: "january".into(), table: &before, join_on: Vec::new(), quasi_identifiers: Vec::new(), is_earlier_release: true };
        input.others.push(other);
        run(&input)
    };
    let verdict = refused_for(&after);
    assert_eq!(refused(&verdict), [Attack::Differencing]);
    let differencing = attempt(&verdict, Attack::Differencing);
    assert!(differencing.column.as_deref() == Some("january") && differencing.reason.en.starts_with("2 rows"));
    assert_passes(&refused_for(&much_later));
    assert_passes(&refused_for(&before));
}

#[test]
fn differencing_pair_of_counts() {
    let figure = |people: std::ops::Range<u32>| Figure { people: people.collect(), value: 7.0 };
    let counts = |figures, earlier| Counts { people: 100, figures, earlier, secret: None, precision: Precision::Exact };
    let run_counts = |counts| run(&Release { counts: Some(counts), ..Release::default() });
    let (all, but_one, half) = ([figure(0..100)], [figure(1..100)], [figure(0..50)]);
    assert_passes(&run_counts(counts(&all, &half)));
    let verdict = run_counts(counts(&all, &but_one));
    assert_eq!(refused(&verdict), [Attack::Differencing, Attack::LinearReconstruction]);
    assert!(attempt(&verdict, Attack::Differencing).reason.en.contains("the smallest is over 1"));
    // no pair tells, three figures do: 0..60 and 60..100 less 3..100 leave the sum of the first three
    let three = [figure(0..60), figure(3..100)];
    let rest = [figure(60..100)];
    let verdict = run_counts(counts(&three, &rest));
    assert_eq!(refused(&verdict), [Attack::LinearReconstruction]);
    // noise makes subtraction give noise, but without secrets it cannot be judged
    let verdict = run_counts(Counts { precision: Precision::Noisy, ..counts(&all, &but_one) });
    assert_eq!(refused(&verdict), [Attack::LinearReconstruction]);
    let broken = [Figure { people: vec![3, 3], value: 1.0 }];
    let error =
        gate(&Release { counts: Some(counts(&broken, &[])), ..Release::default() }, &Thresholds::default(), &mut rng()).unwrap_err();
    assert_eq!(error.code(), "restore.input");
}

#[test]
fn differencing_pair_of_tables() {
    // ages in whole years, 3 people aged 15 and 40 of every other age
    let by_age = |edges: &[i64]| -> Protected {
        let mut counts = vec![0_u64; edges.len() + 1];
        (0..100).for_each(|age| counts[edges.partition_point(|edge| *edge <= age)] += if age == 15 { 3 } else { 40 });
        let ages = Dimension::bins("age", 0, 99, edges).unwrap();
        protect(CellTable::from_leaf_counts(&[ages], &counts).unwrap(), &Rules::default(), &Given::default(), SOON).unwrap()
    };
    let origin = |version: &str| Origin { dataset: "residents".into(), version: version.into(), population: String::new() };
    let mut ledger = Ledger::default();
    ledger.record("first", &origin("v1"), &by_age(&[15, 65]), SOON).unwrap();
    for version in ["v1", "v2"] {
        let objections = ledger.objections(&origin(version), &by_age(&[16, 65]), SOON);
        assert_eq!(
            (objections[0].kind, objections[0].earlier.as_str(), objections[0].group.as_str()),
            (Kind::Subset, "first", "age=0..15")
        );
        let error = ledger.record("second", &origin(version), &by_age(&[16, 65]), SOON).unwrap_err();
        assert!(error.code() == "release.differencing" && error.message(Lang::En).contains("age=0..15"));
    }
    // the twin cuts where the first did, or ten years from it
    ledger.record("second", &origin("v1"), &by_age(&[15, 65]), SOON).unwrap();
    ledger.record("third", &origin("v1"), &by_age(&[15, 25, 65]), SOON).unwrap();
}

#[test]
fn memorising_model_is_refused_and_a_small_one_passes() {
    let mut rng = rng();
    let (members, others) = (points(&mut rng, 1000), points(&mut rng, 1200));
    let verdict_of = |trainer: &dyn Trainer, with_trainer: bool, others: &Examples| {
        let model = trainer.train(&members, &mut self::rng()).unwrap();
        let model = ModelUnderTest {
            name: "triage",
            model: &*model,
            members: &members,
            non_members: others,
            trainer: with_trainer.then_some(trainer),
            canaries: None,
        };
        run(&Release { model: Some(model), ..Release::default() })
    };
    let verdict = verdict_of(&NearestNeighbour, true, &others);
    assert_eq!(refused(&verdict), [Attack::MembershipByLoss, Attack::MembershipByShadows, Attack::Canary]);
    let by_loss = attempt(&verdict, Attack::MembershipByLoss);
    assert!(by_loss.column.as_deref() == Some("triage") && by_loss.share.unwrap().value > 0.99);
    let small = LogisticRegression::default();
    let verdict = verdict_of(&small, true, &others);
    assert_passes(&verdict);
    assert!(attempt(&verdict, Attack::MembershipByShadows).share.unwrap().high < 0.02);
    // what cannot be retrained, or has too few examples to tell, is refused
    assert_eq!(refused(&verdict_of(&small, false, &others)), [Attack::MembershipByShadows, Attack::Canary]);
    assert_eq!(refused(&verdict_of(&small, true, &points(&mut rng, 900))), [Attack::MembershipByLoss]);
}

#[test]
fn synthetic_rows_copied_from_the_input() {
    // 1,500 sound rows are refused now and then as too few to tell: see `Thresholds::closer_to_original`
    const ROWS: usize = 2500;
    let mut rng = rng();
    let (original, held_out) = (table("original", people(&mut rng, ROWS)), table("held out", people(&mut rng, ROWS)));
    let fresh = people(&mut rng, ROWS);
    let as_synthetic = |table, held_out| {
        let release = Release { held_out, ..Release::of(table).from_original(&original) };
        ["age", "income", "visits", "systolic", "debt"].iter().fold(release, |release, name| release.with(name, Provenance::Synthetic))
    };
    let clean = table("synthetic", fresh.clone());
    let verdict = run(&as_synthetic(&clean, Some(&held_out)));
    assert_passes(&verdict);
    assert!(attempt(&verdict, Attack::HeldOut).passed && attempt(&verdict, Attack::NearestRecord).passed);
    // without rows held out changed copies cannot be told from new rows
    assert_eq!(refused(&run(&as_synthetic(&clean, None))), [Attack::HeldOut]);
    assert_passes(&run_with(&as_synthetic(&clean, None), &Thresholds { needs_held_out: false, ..Thresholds::default() }));
    // one row in fifty is an original
    let keep: Vec<u64> = (0..50).collect();
    let mut copied = clean.filter(&(0..ROWS).map(|row| row >= 50).collect::<Vec<_>>()).unwrap();
    copied.append(original.take(&keep).unwrap()).unwrap();
    let verdict = run(&as_synthetic(&copied, Some(&held_out)));
    assert_eq!(refused(&verdict), [Attack::CopiedRows, Attack::NearestRecord]);
    assert_eq!(attempt(&verdict, Attack::CopiedRows).share.unwrap().value, 0.02);
    // all rows a little moved: nothing is equal, everything near
    let moved: Vec<(&str, Vec<String>)> = original
        .column_names()
        .into_iter()
        .map(|name| {
            (name, yu_desensitize::column::numeric(&original, name).unwrap().iter().map(|value| format!("{}", value + 1.3)).collect())
        })
        .collect();
    let moved = table("moved", moved);
    let verdict = run(&as_synthetic(&moved, Some(&held_out)));
    assert_eq!(refused(&verdict), [Attack::NearestRecord, Attack::HeldOut]);
    // without the original nothing can be said
    let alone = Release { original: None, ..as_synthetic(&clean, None) };
    assert_eq!(refused(&run(&alone)), [Attack::CopiedRows]);
}

#[test]
fn complementary_cell_left_open() {
    // sex by age, each with its total: 0 total, 1..=3 ages, 4 and 8 sexes, 5..=7 and 9..=11 the cells; 6 holds three people
    let sexes_by_age = Quantity {
        name: "count".into(),
        is_whole: true,
        values: vec![147.0, 45.0, 43.0, 59.0, 54.0, 20.0, 3.0, 31.0, 93.0, 25.0, 40.0, 28.0],
        floor: 0.0,
        needs: BTreeMap::from([(6, Need { up: 7.0, down: 0.0 })]),
    };
    let mut equations = vec![vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9, 10, 11], vec![0, 4, 8]];
    equations.extend((1..4).map(|age| vec![age, 4 + age, 8 + age]));
    let attacked = |hidden: &[usize]| {
        let hidden: Vec<bool> = (0..12).map(|cell| hidden.contains(&cell)).collect();
        attack_cells(&equations, &hidden, std::slice::from_ref(&sexes_by_age), Depth::Exact, SOON).unwrap()
    };
    // hidden alone, in its row only, and in a square of which a corner was forgotten: the three come back
    for pattern in [&[6][..], &[5, 6], &[5, 6, 9]] {
        let audit = attacked(pattern);
        let refuted = audit.refuted().next().unwrap();
        assert_eq!((audit.passed(), refuted.cell, refuted.low, refuted.high), (false, 6, 3.0, 3.0), "{pattern:?}");
    }
    // the whole square leaves everything from 0 to 23 open
    let audit = attacked(&[5, 6, 9, 10]);
    assert!(audit.passed());
    assert_eq!((audit.intervals[0].low, audit.intervals[0].high), (0.0, 23.0));
    // a table that may not hide what it must is refused, with the cell
    let dimensions = [Dimension::flat("sex", &["1", "2"]).unwrap(), Dimension::flat("age", &["0-17", "18-59", "60+"]).unwrap()];
    let table = || CellTable::from_leaf_counts(&dimensions, &[20, 3, 31, 25, 40, 28]).unwrap();
    let rules = Rules::frequency(10, Zeros::Hide);
    let small = table().position(&["1", "18-59"]).unwrap();
    let all_printed = Given { hidden: Vec::new(), printed: (0..table().len()).filter(|cell| *cell != small).collect() };
    let error = protect(table(), &rules, &all_printed, SOON).err().unwrap();
    assert_eq!(error.code(), "release.unprotected");
    assert!(error.to_string().contains("sex=1, age=18-59") || error.message(Lang::En).contains("sex=1, age=18-59"), "{error}");
    assert!(protect(table(), &rules, &Given::default(), SOON).unwrap().audit().passed());
}
