//! Ways round the gate and the ledger that once worked, or might: each must be refused.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, StringArray};
use yu_desensitize::Table;
use yu_desensitize::release::ledger::{Kind, Ledger, Origin};
use yu_desensitize::release::{
    CellTable, Depth, Dimension, Given, Need, Quantity, Rules, TableSpec, Zeros, attack as attack_cells, protect,
};
use yu_desensitize::restore::{
    Attack, AttackableModel, Canaries, Counts, Example, Figure, ModelUnderTest, Other, Precision, Provenance, Release, Thresholds, gate,
};

use crate::restore::{
    KEYED, assert_passes, attempt, below, briefly, classes, each, keyed, mobiles, people, points, refused, rng, run, sha256, table,
};

const SOON: Duration = Duration::from_secs(120);

fn bands(ages: &[String]) -> Vec<String> {
    each(ages, |age| if age < "40" { "20-39".into() } else { "40-59".into() })
}

// rows

#[test]
fn generalised_cells_are_read_whatever_the_declaration_says() {
    let (mut ages, districts) = classes();
    ages[17] = "97".into();
    let original = table("original", vec![("age", ages.clone()), ("district", districts.clone())]);
    let band = each(&ages, |age| {
        if age < "40" {
            "20-39".into()
        } else if age < "60" {
            "40-59".into()
        } else {
            "90-99".into()
        }
    });
    // nobody says that ages were generalised: as raw values they would match nobody
    let release = table("release", vec![("age", band), ("district", districts.clone())]);
    let verdict = run(&Release::of(&release).from_original(&original));
    assert_eq!(refused(&verdict), [Attack::Linkage]);
    // a cell that was emptied in a column declared raw may be anybody's
    let cells = |age: &mut dyn FnMut(usize) -> Option<String>| -> Table {
        let ages: ArrayRef = Arc::new((0..800).map(age).collect::<StringArray>());
        let districts: ArrayRef = Arc::new(StringArray::from(districts.clone()));
        Table::from_columns("release", vec![("age", ages), ("district", districts)]).unwrap()
    };
    let (coarse, mut lone) = (bands(&ages), districts.clone());
    lone[17] = "慈溪".into();
    let original = table("original", vec![("age", coarse.clone()), ("district", lone.clone())]);
    let mut release = cells(&mut |row| (row != 17).then(|| coarse[row].clone()));
    release = table_with(release, "district", lone);
    assert!(refused(&run(&Release::of(&release).from_original(&original))).contains(&Attack::Linkage));
    // values of the original that look like intervals
    let release = table("release", vec![("age", coarse.clone()), ("district", districts.clone())]);
    let original = table("original", vec![("age", coarse), ("district", districts)]);
    let input = Release::of(&release).from_original(&original).with("age", Provenance::Generalised);
    assert!(attempt(&run(&input), Attack::Linkage).passed);
    let mut few = bands(&ages);
    few[3] = "60-79".into();
    let release = table("release", vec![("age", few.clone())]);
    let original = table("original", vec![("age", few)]);
    let input = Release::of(&release).from_original(&original).with("age", Provenance::Generalised);
    assert!(refused(&run(&input)).contains(&Attack::Linkage));
}

/// The table with another content of one column.
fn table_with(old: Table, column: &str, cells: Vec<String>) -> Table {
    let batch = old.batches().next().unwrap().clone();
    let columns = old.column_names().into_iter().enumerate().map(|(at, name)| {
        let own: ArrayRef = if name == column { Arc::new(StringArray::from(cells.clone())) } else { batch.column(at).clone() };
        (name, own)
    });
    Table::from_columns("release", columns.collect()).unwrap()
}

#[test]
fn identifiers_do_not_leave_under_another_name() {
    let mobiles = mobiles(400);
    let original = table("original", vec![("mobile", mobiles.clone())]);
    let release = table("release", vec![("mobile", mobiles.clone())]);
    for provenance in [Provenance::Random, Provenance::Generalised, Provenance::Noise, Provenance::Synthetic] {
        for input in [Release::of(&release), Release::of(&release).from_original(&original)] {
            let verdict = briefly(&input.with("mobile", provenance).with_quasi_identifiers(&[]));
            let plain = verdict.refusals().find(|attempt| attempt.attack == Attack::PlainIdentifier);
            assert_eq!(plain.map(|attempt| attempt.column.as_deref()), Some(Some("mobile")), "{provenance:?}");
        }
    }
    // tokens that look like numbers cannot be told from numbers without the original, and with it some are
    let reversible = Provenance::KeyedReversible { domain: Some(1e8) };
    assert!(refused(&briefly(&Release::of(&release).with("mobile", reversible))).contains(&Attack::PlainIdentifier));
    let tokens: Vec<String> = (0..400_u64).map(|person| format!("186{:08}", person * 7_919 + 13)).collect();
    let some: Vec<String> = (0..400).map(|row| if row < 320 { mobiles[row].clone() } else { tokens[row].clone() }).collect();
    for (cells, passes) in [(tokens, true), (some, false)] {
        let release = table("release", vec![("mobile", cells)]);
        let verdict = briefly(&Release::of(&release).from_original(&original).with("mobile", reversible));
        assert_eq!(attempt(&verdict, Attack::PlainIdentifier).passed, passes);
    }
    // a tenth of the cells of a raw column
    let notes: Vec<String> = (0..400).map(|row| if row % 10 == 0 { format!("回电{}", mobiles[row]) } else { "已办结".into() }).collect();
    let release = table("release", vec![("note", notes)]);
    assert!(refused(&briefly(&Release::of(&release).with_quasi_identifiers(&["note"]))).contains(&Attack::PlainIdentifier));
}

#[test]
fn digests_are_recognised_behind_decoration() {
    let mobiles = mobiles(300);
    let original = table("original", vec![("mobile", mobiles.clone())]);
    let uuid = |text: &str| {
        let hex = &sha256(text)[..32];
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    };
    let decorations: [fn(&str) -> String; 4] = [
        |t| format!("tok_{}", sha256(t)),
        |t| format!("sha256:{}", sha256(t)),
        |t| format!("{}.v1", &sha256(t)[..20]),
        |t| sha256(&sha256(t)),
    ];
    for (at, decorate) in decorations.iter().chain([&(uuid as fn(&str) -> String)]).enumerate() {
        let release = table("release", vec![("mobile", each(&mobiles, decorate))]);
        let verdict = run(&Release::of(&release).from_original(&original).with("mobile", KEYED));
        assert_eq!(refused(&verdict), [Attack::Dictionary], "{at}");
    }
    let release = table("release", vec![("mobile", each(&mobiles, |text| format!("tok_{}", keyed(text))))]);
    assert_passes(&run(&Release::of(&release).from_original(&original).with("mobile", KEYED)));
}

#[test]
fn a_small_sample_of_a_large_original_is_attacked_with_the_right_guesses() {
    let mobiles = mobiles(60_000);
    let original = table("original", vec![("mobile", mobiles.clone())]);
    let late: Vec<String> = mobiles[59_980..].to_vec();
    let release = table("release", vec![("mobile", each(&late, |text| sha256(&format!("salt{text}"))))]);
    assert_eq!(refused(&run(&Release::of(&release).from_original(&original).with("mobile", KEYED))), [Attack::Dictionary]);
}

#[test]
fn a_renamed_token_still_joins_and_a_class_is_one_of_all_columns() {
    let mobiles = mobiles(800);
    let (ages, districts) = classes();
    let fine: Vec<String> = (0..800).map(|person| format!("{}", person / 2)).collect();
    let earlier = table("earlier", vec![("uid", each(&mobiles, keyed)), ("street", fine)]);
    let release = table("release", vec![("token", each(&mobiles, keyed)), ("age", bands(&ages)), ("district", districts.clone())]);
    let other = |table, is_earlier_release| Other {
        name: "2025".into(),
        table,
        join_on: Vec::new(),
        quasi_identifiers: Vec::new(),
        is_earlier_release,
    };
    let mut input = Release::of(&release).with("token", KEYED).with("age", Provenance::Generalised);
    input.others.push(other(&earlier, false));
    assert_eq!(refused(&briefly(&input)), [Attack::Join]);
    // differences are those of classes even if nobody names the quasi-identifiers: six rows in three classes
    let rows = |extra: usize| {
        let at = |cells: &[String]| -> Vec<String> { (0..600).chain(700..700 + extra).map(|row| cells[row].clone()).collect() };
        vec![("age", at(&bands(&ages))), ("district", at(&districts))]
    };
    let (before, after) = (table("january", rows(0)), table("february", rows(40)));
    let mut input = Release::of(&after).with("age", Provenance::Generalised);
    input.others.push(other(&before, true));
    assert_passes(&run(&input));
    let mut odd = rows(6);
    for (at, cell) in odd[0].1.iter_mut().rev().take(6).enumerate() {
        *cell = ["20-39", "40-59", "*"][at / 2].into();
    }
    let after = table("february", odd);
    let mut input = Release::of(&after).with("age", Provenance::Generalised);
    input.others.push(other(&before, true));
    assert!(refused(&run(&input)).contains(&Attack::Differencing));
}

#[test]
fn an_original_without_rows_judges_nothing() {
    let (ages, districts) = classes();
    let release = table("release", vec![("age", ages), ("district", districts)]);
    let empty = table("original", vec![("age", vec![]), ("district", vec![])]);
    let error = gate(&Release::of(&release).from_original(&empty), &Thresholds::default(), &mut rng()).unwrap_err();
    assert_eq!(error.code(), "restore.input");
}

// synthetic rows

fn synthetic<'a>(table: &'a Table, original: &'a Table, held_out: Option<&'a Table>) -> Release<'a> {
    let release = Release { held_out, ..Release::of(table).from_original(original) };
    table.column_names().into_iter().fold(release, |release, name| release.with(name, Provenance::Synthetic))
}

#[test]
fn rows_held_out_must_have_been_held_out() {
    let mut rng = rng();
    let (original, held_out) = (table("original", people(&mut rng, 600)), table("held out", people(&mut rng, 600)));
    let copied = original.take(&(0..300).collect::<Vec<u64>>()).unwrap();
    // against the input itself every copy would be chance
    let verdict = run(&synthetic(&copied, &original, Some(&original)));
    assert!(refused(&verdict).starts_with(&[Attack::HeldOut]), "{:?}", refused(&verdict));
    let mut mixed = held_out;
    mixed.append(original.take(&(0..60).collect::<Vec<u64>>()).unwrap()).unwrap();
    assert!(refused(&run(&synthetic(&copied, &original, Some(&mixed)))).contains(&Attack::HeldOut));
    // in coarse data both repeat common rows, and a few rows held out must not excuse copies of rare ones
    let coarse = |rng: &mut rand_chacha::ChaCha20Rng, rows: usize, rare: u64| -> Vec<(&'static str, Vec<String>)> {
        let mut cell = || if below(rng, 100) < rare { format!("rare{}", below(rng, 1000)) } else { "common".into() };
        vec![("a", (0..rows).map(|_| cell()).collect()), ("b", (0..rows).map(|_| cell()).collect())]
    };
    let original = table("original", coarse(&mut rng, 2000, 4));
    let few = table("held out", coarse(&mut rng, 3, 0));
    let copied = original.take(&(0..400).collect::<Vec<u64>>()).unwrap();
    assert!(refused(&run(&synthetic(&copied, &original, Some(&few)))).contains(&Attack::CopiedRows));
}

#[test]
fn synthetic_columns_that_cannot_be_compared_are_refused() {
    let mut rng = rng();
    let (original, held_out) = (table("original", people(&mut rng, 400)), table("held out", people(&mut rng, 400)));
    let columns = original.column_names().into_iter().map(|name| (name, yu_desensitize::column::text(&original, name).unwrap()));
    let mut columns: Vec<(&str, Vec<String>)> = columns.collect();
    columns.iter_mut().zip(["a", "b", "c", "d", "age"]).for_each(|((old, _), new)| *old = new);
    columns.swap_remove(4);
    let renamed = table("synthetic", columns);
    let verdict = run(&synthetic(&renamed, &original, Some(&held_out)));
    assert_eq!(refused(&verdict), [Attack::CopiedRows]);
    assert_eq!(verdict.refusals().count(), 4, "one for each column");
    // one column of five changed in every row: no row is near, but without rows held out that is all that could be seen
    let fresh = table("fresh", people(&mut rng, 400));
    let mut copied: Vec<(&str, Vec<String>)> =
        original.column_names().into_iter().map(|name| (name, yu_desensitize::column::text(&original, name).unwrap())).collect();
    copied[4].1 = yu_desensitize::column::text(&fresh, "debt").unwrap();
    let copied = table("copied", copied);
    for held_out in [None, Some(&held_out)] {
        assert!(refused(&run(&synthetic(&copied, &original, held_out))).contains(&Attack::HeldOut));
    }
    // noise that nobody can compare
    let release = Release::of(&copied).with("debt", Provenance::Noise).with_quasi_identifiers(&["age"]);
    assert!(refused(&run(&release)).contains(&Attack::NearestRecord));
}

// figures

#[test]
fn figures_called_noisy_must_be() {
    let mut rng = rng();
    let secret: Vec<f64> = (0..100).map(|_| below(&mut rng, 2) as f64).collect();
    let exact = |people: std::ops::Range<u32>| Figure { value: people.clone().map(|p| secret[p as usize]).sum(), people: people.collect() };
    let figures = [exact(0..100), exact(1..100)];
    let counts = Counts { people: 100, figures: &figures, earlier: &[], secret: Some(&secret), precision: Precision::Noisy };
    let verdict = run(&Release { counts: Some(counts), ..Release::default() });
    assert!(refused(&verdict).contains(&Attack::Differencing));
    assert!(attempt(&verdict, Attack::Differencing).reason.en.contains("1"));
}

#[test]
fn sums_of_a_few_that_follow_together_are_seen() {
    // the figures give the sum of 0 and 1 to 2 only together, and a fourth tells 0 from the others
    let figure = |people: Vec<u32>| Figure { people, value: 9.0 };
    let figures = [
        figure((0..60).collect()),
        figure((3..100).collect()),
        figure((60..100).collect()),
        figure([0].into_iter().chain(20..80).collect()),
    ];
    let counts = Counts { people: 100, figures: &figures, earlier: &[], secret: None, precision: Precision::Exact };
    let verdict = run(&Release { counts: Some(counts), ..Release::default() });
    assert_eq!(refused(&verdict), [Attack::LinearReconstruction]);
    let huge = [figure(vec![0, u32::MAX - 1])];
    let counts = Counts { people: u32::MAX, figures: &huge, earlier: &[], secret: None, precision: Precision::Exact };
    assert_eq!(refused(&run(&Release { counts: Some(counts), ..Release::default() })), [Attack::LinearReconstruction]);
}

// models

#[test]
fn a_model_that_gives_no_losses_or_hardly_any_canary_is_refused() {
    struct Constant(f64);
    impl AttackableModel for Constant {
        fn loss(&self, _: Example<'_>) -> yu_desensitize::Result<f64> {
            Ok(self.0)
        }
    }
    let mut rng = rng();
    let (examples, one) = (points(&mut rng, 1000), points(&mut rng, 1));
    let references = points(&mut rng, 3000);
    let limits = Thresholds { needs_trainer: false, ..Thresholds::default() };
    let with = |model: &dyn AttackableModel, canaries: Option<Canaries<'_>>| {
        let model = ModelUnderTest { name: "m", model, members: &examples, non_members: &examples, trainer: None, canaries };
        gate(&Release { model: Some(model), ..Release::default() }, &limits, &mut crate::restore::rng()).unwrap()
    };
    for loss in [f64::INFINITY, f64::NEG_INFINITY] {
        let model = Constant(loss);
        assert_eq!(refused(&with(&model, None)), [Attack::MembershipByLoss], "{loss}");
    }
    let canaries = |planted| Some(Canaries { planted, references: &references });
    let model = Constant(0.5);
    assert_eq!(refused(&with(&model, canaries(&one))), [Attack::Canary]);
    assert_passes(&with(&model, canaries(&examples)));
}

// tables

#[test]
fn a_giant_beside_a_small_sum_does_not_blur_the_proof() {
    // total, small, giant printed: nothing is open; and a square of four in which only the giants can move
    let quantity = |values: Vec<f64>, cell: usize, need: f64| {
        [Quantity { name: "sum".into(), is_whole: false, values, floor: 0.0, needs: [(cell, Need { up: need, down: need })].into() }]
    };
    let (giant, small) = (1e15, 3.0);
    // rows: t = a + b, a = c + d, with b, c printed: a = t - b follows, so does d
    let values = vec![giant + small, small, giant, 1.0, 2.0];
    let equations = [vec![0, 1, 2], vec![1, 3, 4]];
    let hidden = [false, true, false, false, true];
    assert!(!attack_cells(&equations, &hidden, &quantity(values.clone(), 4, 1.0), Depth::Proof, SOON).unwrap().passed());
    // 20 hidden pairs around it that can move by 10^12, linked to the small one by sums that are printed
    let n = 20;
    let mut values = vec![0.0, 5.0, 5.0];
    let mut equations = vec![vec![0, 1, 2]];
    values[0] = 10.0;
    let mut before = 1;
    for step in 0..n {
        let (x, y, sum) = (values.len(), values.len() + 1, values.len() + 2);
        let (left, right) = (1e12 * f64::from(step + 1), 1e12);
        values.extend([left, right, left + right]);
        equations.push(vec![sum, x, y]);
        let bridge = values.len();
        values.push(values[before] + left);
        equations.push(vec![bridge, before, x]);
        before = y;
    }
    let mut hidden: Vec<bool> = vec![true; values.len()];
    equations.iter().for_each(|equation| hidden[equation[0]] = false);
    let audit = attack_cells(&equations, &hidden, &quantity(values, 1, 2.0), Depth::Proof, SOON).unwrap();
    // whatever it says is right: 1 and 2 add up to 10 and the chain lets them move by 5 at most
    assert!(audit.intervals.iter().all(|i| i.low >= -1e-6 && i.high <= 10.0 + 1e-6), "{}", audit.intervals[0].high);
}

#[test]
fn many_rows_of_few_contributors_are_not_given_back_to_the_row() {
    let n = 600;
    let text = |f: &dyn Fn(usize) -> String| Arc::new((0..n).map(|i| Some(f(i))).collect::<StringArray>()) as ArrayRef;
    // district a: 100 visits of two people
    let district = |i: usize| if i < 100 { "a".to_owned() } else { ["b", "c", "d"][i % 3].to_owned() };
    let person = |i: usize| if i < 100 { format!("p{}", i % 2) } else { format!("q{i}") };
    let visits = Table::from_columns("visits", vec![("district", text(&district)), ("person", text(&person))]).unwrap();
    let spec = TableSpec {
        dimensions: vec![Dimension::flat("district", &["a", "b", "c", "d"]).unwrap()],
        sums: vec![],
        contributor: Some("person".into()),
    };
    let cells = CellTable::count(&visits, &spec, 2).unwrap();
    let protected = protect(cells, &Rules::frequency(10, Zeros::Hide), &Given::default(), SOON).unwrap();
    let interval = protected.attack(&[], Depth::Exact, SOON).intervals.into_iter().next().unwrap();
    assert!(interval.low <= 80.0 && interval.high >= 120.0);
    assert!(interval.need.up >= 20.0 && interval.need.down >= 20.0);
}

#[test]
fn endless_budgets_are_no_panic() {
    let table = || CellTable::from_leaf_counts(&[Dimension::flat("a", &["x", "y", "z"]).unwrap()], &[3, 20, 30]).unwrap();
    let protected = protect(table(), &Rules::frequency(5, Zeros::Hide), &Given::default(), Duration::MAX).unwrap();
    assert!(protected.attack(&[], Depth::Proof, Duration::MAX).passed());
    let mut ledger = Ledger::default();
    for name in ["one", "two"] {
        ledger.record(name, &origin("v1"), &protected, Duration::MAX).unwrap();
    }
}

// the ledger

fn origin(version: &str) -> Origin {
    Origin { dataset: "residents".into(), version: version.into(), population: String::new() }
}

/// 3 people aged 15 and about 40 of every other age, in bins before `edges`, under a name for the column and for its values.
fn by_age(name: &str, value: &dyn Fn(i64) -> String, edges: &[i64]) -> yu_desensitize::release::Protected {
    let code = |age: i64| format!("from {}", edges.iter().rev().find(|edge| **edge <= age).unwrap_or(&0));
    let rows: Vec<Vec<String>> = (0..100).map(|age| vec![value(age), code(age)]).collect();
    let mut seen = std::collections::BTreeSet::new();
    let rows: Vec<Vec<String>> = rows.into_iter().filter(|row| seen.insert(row[0].clone())).collect();
    let mut counts = vec![0_u64; edges.len() + 1];
    for age in 0..100 {
        counts[edges.iter().filter(|edge| **edge <= age).count()] += if age == 15 { 3 } else { 40 + (age as u64) % 7 };
    }
    let table = CellTable::from_leaf_counts(&[Dimension::from_rows(name, &rows).unwrap()], &counts).unwrap();
    protect(table, &Rules::frequency(10, Zeros::Hide), &Given::default(), SOON).unwrap()
}

#[test]
fn renamed_dimensions_and_recoded_values_are_compared_or_refused() {
    let mut ledger = Ledger::default();
    ledger.record("first", &origin("v1"), &by_age("age", &|age| age.to_string(), &[15, 65]), SOON).unwrap();
    let years = |age: i64| age.to_string();
    for version in ["v1", "v2"] {
        // another name for the same column
        let objections = ledger.objections(&origin(version), &by_age("age_years", &years, &[16, 65]), SOON);
        assert_eq!(objections.first().map(|o| o.kind), Some(Kind::Subset), "{version}");
        // bins made beforehand, which share no value with the column
        let binned = |age: i64| {
            if age < 16 {
                "child".into()
            } else if age < 65 {
                "grown".to_owned()
            } else {
                "old".into()
            }
        };
        let objections = ledger.objections(&origin(version), &by_age("age", &binned, &[16, 65]), SOON);
        assert_eq!(objections.first().map(|o| o.kind), Some(Kind::Undecided), "{version}");
    }
    // the same bins under another name say nothing new
    assert_eq!(ledger.objections(&origin("v1"), &by_age("age_years", &years, &[15, 65]), SOON), []);
    // two columns with one code list are two columns: their counts say so
    let work = [70_u64, 45, 52, 61, 80, 90, 100, 120, 130, 77];
    let home = [61_u64, 80, 45, 90, 70, 52, 120, 100, 77, 130];
    let of = |name: &str, counts: &[u64]| {
        let codes: Vec<String> = (0..10).map(|code| format!("3302{code:02}")).collect();
        let table = CellTable::from_leaf_counts(&[Dimension::flat(name, &codes).unwrap()], counts).unwrap();
        protect(table, &Rules::frequency(10, Zeros::Hide), &Given::default(), SOON).unwrap()
    };
    let mut ledger = Ledger::default();
    ledger.record("home", &origin("v1"), &of("home", &home), SOON).unwrap();
    assert_eq!(ledger.objections(&origin("v1"), &of("work", &work), SOON), []);
}
