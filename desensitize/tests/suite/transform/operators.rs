//! Operators without keys, plans, samples and derivatives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, LargeStringArray, StringArray};
use arrow::datatypes::DataType;
use yu_desensitize::transform::{Hash, Operator, Plan, Step, TrainingRecipe, apply, reveal};
use yu_desensitize::{Table, column};

use super::{cells, code, keys, operator, refusal, rng, run, table, texts};

fn numbers(toml: &str, input: Vec<i64>) -> Vec<f64> {
    let done = apply(&table(Arc::new(Int64Array::from(input))), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
    assert_eq!(done.schema().field(0).data_type(), &DataType::Int64, "numbers stay numbers");
    column::numeric(&done, "x").unwrap()
}

#[test]
fn masks_and_constants() {
    assert_eq!(run(r#"{ op = "keep", first = 3, last = 4 }"#, &["13800138000", "张三", ""]), ["138****8000", "**", ""]);
    assert_eq!(run(r##"{ op = "keep", first = 1, mask = "#", length = 2 }"##, &["欧阳明月"]), ["欧##"]);
    assert_eq!(run(r#"{ op = "replace", with = "某某" }"#, &["张三"]), ["某某"]);
    assert_eq!(numbers(r#"{ op = "replace", with = "7" }"#, vec![1, 2]), [7.0, 7.0]);
    assert_eq!(refusal(r#"{ op = "replace", with = "x" }"#, Arc::new(Int64Array::from(vec![1]))), "transform.constant_type");
    let done = apply(&table(texts(&[Some("a"), None])), "x", &operator(r#"{ op = "null" }"#), &keys(1), &mut rng()).unwrap();
    assert_eq!(cells(&done, "x"), [None, None]);
}

#[test]
fn numbers_become_coarser() {
    assert_eq!(numbers(r#"{ op = "round", to = 10.0 }"#, vec![14, 15, -26]), [10.0, 20.0, -30.0]);
    assert_eq!(numbers(r#"{ op = "limit", bottom = 0, top = 90 }"#, vec![-3, 17, 130]), [0.0, 17.0, 90.0]);
    assert_eq!(run(r#"{ op = "round", to = 0.5 }"#, &["1.3", "7", "-0.2"]), ["1.5", "7", "0"]);
    assert_eq!(run(r#"{ op = "bin", edges = [18, 60] }"#, &["17", "18", "59.9", "60"]), ["(-∞, 18)", "[18, 60)", "[18, 60)", "[60, ∞)"]);
    assert_eq!(refusal(r#"{ op = "round", to = 0.5 }"#, Arc::new(Int64Array::from(vec![i64::MAX, 3]))), "transform.type_kept");
    assert_eq!(refusal(r#"{ op = "round", to = 10 }"#, texts(&[Some("abc")])), "data.cell");
    assert_eq!(refusal(r#"{ op = "round", to = 10 }"#, Arc::new(Date32Array::from(vec![1]))), "transform.not_number");
    assert_eq!(refusal(r#"{ op = "limit", bottom = 3, top = 2 }"#, texts(&[Some("1")])), "transform.limit");
    let noisy = numbers(r#"{ op = "noise", grid = 5, steps = 3 }"#, vec![101; 500]);
    assert!(noisy.iter().all(|value| value % 5.0 == 0.0 && (value - 100.0).abs() <= 15.0));
    assert!(noisy.iter().collect::<Vec<_>>().windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn dates_and_hierarchies_become_coarser() {
    assert_eq!(run(r#"{ op = "generalise_date", to = "quarter" }"#, &["2024-05-31", "20241231"]), ["2024-04-01", "20241001"]);
    assert_eq!(run(r#"{ op = "generalise_date", to = "decade" }"#, &["1987/05/31 07:00"]), ["1980/01/01 07:00"]);
    let days = apply(
        &table(Arc::new(Date32Array::from(vec![Some(19_782), None]))),
        "x",
        &operator(r#"{ op = "generalise_date", to = "year" }"#),
        &keys(1),
        &mut rng(),
    )
    .unwrap();
    assert_eq!(cells(&days, "x"), [Some("2024-01-01".to_owned()), None]);
    let hierarchy = r#"hierarchy = { "鄞州区" = ["宁波市", "浙江省"], "西湖区" = ["杭州市", "浙江省"] }"#;
    assert_eq!(
        run(&format!(r#"{{ op = "generalise", {hierarchy}, level = 1 }}"#), &["鄞州区", "西湖区", "宁波市"]),
        ["宁波市", "杭州市", "宁波市"]
    );
    assert_eq!(
        run(&format!(r#"{{ op = "generalise", {hierarchy}, level = 2, unknown = "suppress" }}"#), &["鄞州区", "?"]),
        ["浙江省", "*"]
    );
    assert_eq!(refusal(&format!(r#"{{ op = "generalise", {hierarchy}, level = 1 }}"#), texts(&[Some("?")])), "transform.hierarchy_value");
    assert_eq!(refusal(&format!(r#"{{ op = "generalise", {hierarchy}, level = 3 }}"#), texts(&[Some("?")])), "transform.level");
    for wrong in [r#"hierarchy = {}"#, r#"hierarchy = { a = ["b"], c = ["b", "d"] }"#, r#"hierarchy = { a = ["b", "x"], c = ["b", "d"] }"#]
    {
        assert_eq!(refusal(&format!(r#"{{ op = "generalise", {wrong}, level = 1 }}"#), texts(&[Some("a")])), "transform.hierarchy");
    }
}

#[test]
fn rows_are_dropped() {
    let kept = |toml: &str, input: &[Option<&str>]| {
        let done = apply(&table(texts(input)), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
        let places: Vec<u64> = (0..done.num_rows()).map(|row| done.place(row).unwrap().row).collect();
        places
    };
    let input = [Some("1"), None, Some(" "), Some("20"), Some("20")];
    assert_eq!(kept(r#"{ op = "drop_rows", when = "missing" }"#, &input), [1, 4, 5]);
    assert_eq!(kept(r#"{ op = "drop_rows", when = { one_of = ["20"] } }"#, &input), [1, 2, 3]);
    assert_eq!(kept(r#"{ op = "drop_rows", when = { rarer_than = 2 } }"#, &input), [4, 5]);
    assert_eq!(kept(r#"{ op = "drop_rows", when = { above = 5 } }"#, &[Some("1"), None, Some("20")]), [1, 2]);
    let steps =
        [Step::new("x", operator(r#"{ op = "drop_rows", when = { rarer_than = 2 } }"#)), Step::new("x", operator(r#"{ op = "keep" }"#))];
    let done = Plan::new(&steps, &keys(1), &mut rng()).unwrap().table(&table(texts(&input))).unwrap();
    assert_eq!(cells(&done, "x"), [Some("**".to_owned()), Some("**".to_owned())]);
}

#[test]
fn cells_change_places() {
    let values: Vec<i64> = (0..2000).map(|i| i * 7919 % 2000).collect();
    for toml in [r#"{ op = "shuffle" }"#, r#"{ op = "rank_swap", percent = 5 }"#] {
        let done = numbers(toml, values.clone());
        let moved = done.iter().zip(&values).filter(|(new, old)| **new != **old as f64).count();
        assert!(moved > 1800, "{toml} {moved}");
        let mut sorted = done.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.iter().zip(0..).all(|(value, number)| *value == f64::from(number)), "the same values");
        if toml.contains("rank") {
            assert!(done.iter().zip(&values).all(|(new, old)| (new - *old as f64).abs() <= 100.0), "5 % of 2000 ranks");
        }
    }
    let holes =
        apply(&table(texts(&[Some("b"), None, Some("a")])), "x", &operator(r#"{ op = "rank_swap", percent = 100 }"#), &keys(1), &mut rng())
            .unwrap();
    assert_eq!(cells(&holes, "x"), [Some("a".to_owned()), None, Some("b".to_owned())]);
}

#[test]
fn groups_have_means() {
    let ages: ArrayRef = Arc::new(Int32Array::from((0..100).map(|i| i * 37 % 83).collect::<Vec<i32>>()));
    let pay: ArrayRef = Arc::new(Float64Array::from((0..100).map(|i| f64::from(i * 53 % 97) * 1.5).collect::<Vec<f64>>()));
    let before = Table::from_columns("t", vec![("age", ages), ("pay", pay)]).unwrap();
    let op = operator(r#"{ op = "microaggregate", k = 5, with = ["pay"] }"#);
    let done = apply(&before, "age", &op, &keys(1), &mut rng()).unwrap();
    let mut classes: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    for pair in cells(&done, "age").into_iter().zip(cells(&done, "pay")) {
        *classes.entry(pair).or_default() += 1;
    }
    assert!(classes.values().all(|count| *count >= 5), "{classes:?}");
    let mean = |table: &Table| column::numeric(table, "pay").unwrap().iter().sum::<f64>() / 100.0;
    assert!((mean(&before) - mean(&done)).abs() < 1e-9);
    let few = Table::from_columns("t", vec![("age", Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef)]).unwrap();
    let alone = operator(r#"{ op = "microaggregate", k = 3 }"#);
    assert_eq!(code(&apply(&few, "age", &alone, &keys(1), &mut rng()).unwrap_err()), "transform.too_few_rows");
}

#[test]
fn categories_change_at_random() {
    let input: Vec<Option<&str>> = (0..20_000).map(|i| Some(if i % 5 == 0 { "yes" } else { "no" })).collect();
    for (toml, expected) in [
        // 4000 * 0.9 + 16000 * 0.1 and 4000; bounds are six standard deviations of at most 50
        (r#"{ op = "pram", categories = ["yes", "no"], keep = 0.9 }"#, 5200.0),
        (r#"{ op = "pram", categories = ["yes", "no"], keep = 0.9, invariant = true }"#, 4000.0),
    ] {
        let done = apply(&table(texts(&input)), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
        let yes = cells(&done, "x").iter().filter(|cell| cell.as_deref() == Some("yes")).count();
        assert!((yes as f64 - expected).abs() < 300.0, "{yes}");
    }
    assert_eq!(refusal(r#"{ op = "pram", categories = ["yes", "no"], keep = 0.9 }"#, texts(&[Some("maybe")])), "transform.pram_category");
    for wrong in [
        r#"matrix = [[0.5, 0.6], [0.5, 0.5]]"#,
        r#"matrix = [[1.0], [1.0]]"#,
        r#"keep = 2.0"#,
        r#"keep = 0.5, matrix = [[1.0, 0.0], [0.0, 1.0]]"#,
        r#"matrix = [[1.5, -0.5], [0.0, 1.0]]"#,
    ] {
        assert_eq!(
            refusal(&format!(r#"{{ op = "pram", categories = ["yes", "no"], {wrong} }}"#), texts(&[Some("yes")])),
            "transform.pram_matrix"
        );
    }
}

#[test]
fn samples_are_committed_to() {
    let input: Vec<String> = (0..10_000).map(|i| format!("p{}", i / 2)).collect();
    let input: Vec<Option<&str>> = input.iter().map(|cell| Some(cell.as_str())).collect();
    let mut plan = Plan::new(&[Step::new("x", operator(r#"{ op = "sample", rate = 0.1 }"#))], &keys(1), &mut rng()).unwrap();
    let drawn = plan.table(&table(texts(&input))).unwrap();
    // standard deviation 30
    assert!((820..1180).contains(&drawn.num_rows()));
    let (record, seed) = (plan.records().remove(0), plan.seeds().remove(0).unwrap());
    assert_eq!((record.rows_in, record.rows_out), (10_000, drawn.num_rows()));
    assert!(record.seed.as_ref().unwrap().opens(&seed) && !record.seed.unwrap().opens(&[0; 32]));
    // by subject: both rows of a person or none
    let keyed =
        apply(&table(texts(&input)), "x", &operator(r#"{ op = "sample", rate = 0.1, purpose = "p" }"#), &keys(1), &mut rng()).unwrap();
    let people: BTreeSet<Option<String>> = cells(&keyed, "x").into_iter().collect();
    assert_eq!(keyed.num_rows() as usize, 2 * people.len());
}

#[test]
fn derivatives_of_two_owners_can_be_joined() {
    let recipe = |column: &str, how: &str| TrainingRecipe {
        subject: column.to_owned(),
        domain: "resident".into(),
        rate: 0.3,
        purpose: "train risk model".into(),
        key: None,
        hash: Hash::Sm3,
        steps: vec![Step::new(how, operator(r#"{ op = "round", to = 10 }"#))],
    };
    let people = |from: i32| (from..from + 1000).map(|i| Some(format!("3302{i:014}"))).collect::<Vec<_>>();
    let side = |name: &str, value: &str, from: i32| {
        let values: ArrayRef = Arc::new(Int64Array::from((0..1000).collect::<Vec<i64>>()));
        Table::from_columns(name, vec![(name, texts(&people(from))), (value, values)]).unwrap()
    };
    let mut other = rng();
    let first = recipe("id", "income").derive(&side("id", "income", 0), &keys(1), &mut other).unwrap();
    let second = recipe("card", "visits").derive(&side("card", "visits", 500), &keys(1), &mut other).unwrap();
    let set = |table: &Table, name: &str| cells(table, name).into_iter().flatten().collect::<BTreeSet<_>>();
    let (a, b) = (set(&first.table, "id"), set(&second.table, "card"));
    // 500 common people, of whom both sides drew the same 30 per cent; standard deviation 10
    assert!((90..210).contains(&a.intersection(&b).count()), "{}", a.intersection(&b).count());
    assert!(a.iter().all(|pseudonym| pseudonym.len() == 32 && !pseudonym.starts_with("3302000")));
    assert_eq!((first.record.rate, first.record.rows_in, first.record.rows_out), (0.3, 1000, first.table.num_rows()));
    assert_ne!(first.record.recipe_hash, second.record.recipe_hash);
    let foreign = recipe("id", "income").derive(&side("id", "income", 0), &keys(2), &mut other).unwrap();
    assert!(set(&foreign.table, "id").is_disjoint(&a));
    for wrong in [
        TrainingRecipe { rate: 1.0, ..recipe("id", "income") },
        TrainingRecipe { steps: vec![], ..recipe("id", "income") },
        recipe("id", "id"),
    ] {
        assert_eq!(code(&wrong.derive(&side("id", "income", 0), &keys(1), &mut other).err().unwrap()), "transform.recipe");
    }
}

#[test]
fn batches_are_one_stream() {
    let steps = [
        Step::new("x", operator(r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#)),
        Step::new("n", operator(r#"{ op = "noise", grid = 1, steps = 100 }"#)),
        Step::new("n", operator(r#"{ op = "bin", edges = [0, 50, 100] }"#)),
        Step::new("x", operator(r#"{ op = "sample", rate = 0.5 }"#)),
    ];
    let names: Vec<Option<String>> = (0..100).map(|i| Some(format!("name {i}"))).collect();
    let column: ArrayRef = Arc::new(Int64Array::from((0..100).collect::<Vec<i64>>()));
    let whole = Table::from_columns("t", vec![("x", texts(&names)), ("n", column)]).unwrap();
    let batch = whole.batches().next().unwrap();
    let mut plan = Plan::new(&steps, &keys(1), &mut rng()).unwrap();
    assert!(plan.is_streaming());
    let expected = plan.table(&whole).unwrap();
    let mut plan = Plan::new(&steps, &keys(1), &mut rng()).unwrap();
    let parts: Vec<_> = [(0, 33), (33, 0), (33, 60), (93, 7)]
        .into_iter()
        .map(|(start, rows)| plan.record_batch(batch.slice(start, rows)).unwrap())
        .collect();
    assert!(parts.iter().all(|part| part.schema() == parts[0].schema()), "one schema, empty batches too");
    let joined = Table::from_batches("t", parts[0].schema(), parts).unwrap();
    for name in ["x", "n"] {
        assert_eq!(cells(&joined, name), cells(&expected, name));
    }
    assert_eq!(plan.records()[3].rows_in, 100);
    let mut whole_only = Plan::new(&[Step::new("x", operator(r#"{ op = "shuffle" }"#))], &keys(1), &mut rng()).unwrap();
    assert!(!whole_only.is_streaming());
    assert_eq!(code(&whole_only.batch(&whole).unwrap_err()), "transform.not_streaming");
    // a refused batch ends the plan
    let mut plan = Plan::new(&[Step::new("x", operator(r#"{ op = "round", to = 2 }"#))], &keys(1), &mut rng()).unwrap();
    assert!(plan.batch(&whole).is_err());
    assert_eq!(code(&plan.batch(&table(texts(&[Some("1")]))).unwrap_err()), "transform.broken");
}

#[test]
fn text_types_and_slices_are_kept() {
    let cells_in = ["13800138000", "13900139000", "13700137000"];
    let large: ArrayRef = Arc::new(LargeStringArray::from(cells_in.to_vec()));
    let words: ArrayRef = Arc::new(cells_in.into_iter().collect::<arrow::array::DictionaryArray<arrow::datatypes::Int32Type>>());
    let view = arrow::compute::cast(&large, &DataType::Utf8View).unwrap();
    let slice = StringArray::from(vec!["first", cells_in[0], cells_in[1], cells_in[2]]).slice(1, 3);
    for toml in [
        r#"{ op = "keep", first = 3 }"#,
        r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#,
        r#"{ op = "token", cipher = "aes", purpose = "p" }"#,
        r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#,
    ] {
        let expected = run(toml, &cells_in);
        for array in [large.clone(), words.clone(), view.clone(), Arc::new(slice.clone()) as ArrayRef] {
            let done = apply(&table(array.clone()), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
            assert_eq!(done.schema().field(0).data_type(), array.data_type());
            assert_eq!(cells(&done, "x").into_iter().flatten().collect::<Vec<_>>(), expected, "{toml}");
        }
    }
}

#[test]
fn what_lies_under_a_null_does_not_leave() {
    let offsets = arrow::buffer::OffsetBuffer::new(vec![0, 11, 22].into());
    let nulls = arrow::buffer::NullBuffer::from(vec![true, false]);
    let sneaky = StringArray::new(offsets, b"1380013800013912345678".to_vec().into(), Some(nulls));
    for toml in [
        r#"{ op = "keep", first = 3 }"#,
        r#"{ op = "hmac", hash = "sm3", purpose = "p" }"#,
        r#"{ op = "token", cipher = "sm4", purpose = "p" }"#,
        r#"{ op = "ff1", alphabet = "digits", purpose = "p" }"#,
        r#"{ op = "mobile", purpose = "p" }"#,
        r#"{ op = "null" }"#,
    ] {
        let done = apply(&table(Arc::new(sneaky.clone())), "x", &operator(toml), &keys(1), &mut rng()).unwrap();
        let array = done.batches().next().unwrap().column(0).clone();
        let text = array.as_any().downcast_ref::<StringArray>().unwrap();
        assert!(text.is_null(1) && !text.value_data().windows(11).any(|bytes| bytes == b"13912345678"), "{toml}");
    }
}

#[test]
fn operators_are_data() {
    for toml in [
        r#"{ op = "keep", first = 3, last = 4 }"#,
        r#"{ op = "drop_rows", when = { rarer_than = 5 } }"#,
        r#"{ op = "ff1", alphabet = { custom = "甲乙丙丁戊己庚辛壬癸" }, purpose = "p" }"#,
        r#"{ op = "resident_id", region = "province", purpose = "p" }"#,
        r#"{ op = "pram", categories = ["a", "b"], keep = 0.9 }"#,
        r#"{ op = "null" }"#,
    ] {
        let op = operator(toml);
        let again: Operator = serde_json::from_str(&serde_json::to_string(&op).unwrap()).unwrap();
        assert_eq!(op, again);
        let text = op.explain();
        assert!(!text.en.is_empty() && !text.zh.is_ascii(), "{text:?}");
        assert!(toml.contains(&format!("\"{}\"", op.name())));
        op.check().unwrap();
    }
    for wrong in
        [r#"{"op":"null","x":1}"#, r#"{"op":"ff3"}"#, r#"{"op":"hmac","hash":"md5","purpose":"p"}"#, r#"{"op":"hmac","hash":"sm3"}"#]
    {
        assert!(serde_json::from_str::<Operator>(wrong).is_err(), "{wrong}");
    }
    let short = operator(r#"{ op = "hmac", hash = "sm3", purpose = "p", bits = 64 }"#);
    assert_eq!(code(&short.check().unwrap_err()), "transform.digest_bits");
    assert!(reveal(&table(texts(&[Some("a")])), "x", &operator(r#"{ op = "keep" }"#), &keys(1)).is_err());
    let missing = apply(&table(texts(&[Some("a")])), "y", &operator(r#"{ op = "keep" }"#), &keys(1), &mut rng()).unwrap_err();
    assert_eq!(missing.code(), "data.missing_column");
}
