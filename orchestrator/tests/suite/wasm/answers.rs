//! The example modules against exact arithmetic, and against each other.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Date32Array, Float32Array, Float64Array, Int16Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;
use yu_governance::canonical::Hash;
use yu_orchestrator::wasm::{Limits, Module, Runner, WasmError, modules};

use super::{bytes, f64s, i64s, load, run, small, stream, table, texts, try_load};

const MEAN: &str = include_str!("../../../modules/mean.wat");
const STATISTICS: &str = include_str!("../../../modules/statistics.wat");

fn f64_column<'a>(table: &'a RecordBatch, name: &str) -> &'a Float64Array {
    table.column_by_name(name).unwrap().as_primitive::<Float64Type>()
}

/// What the question means, in exact integers: values are `units / 64`.
struct Exact {
    units: Vec<Vec<i64>>,
}

impl Exact {
    fn sum(&self, a: usize) -> i128 {
        self.units[a].iter().map(|x| i128::from(*x)).sum()
    }

    /// `n` times the sum of products of differences from the mean, in units of 1/64 each.
    fn product(&self, a: usize, b: usize) -> i128 {
        let n = i128::try_from(self.units[a].len()).unwrap();
        let raw: i128 = self.units[a].iter().zip(&self.units[b]).map(|(x, y)| i128::from(*x) * i128::from(*y)).sum();
        n * raw - self.sum(a) * self.sum(b)
    }

    fn check(&self, result: &RecordBatch, names: &[String]) {
        let n = self.units[0].len() as f64;
        let near = |found: f64, wanted: f64, scale: f64| assert!((found - wanted).abs() <= 1e-10 * scale, "{found} instead of {wanted}");
        for (a, name) in names.iter().enumerate() {
            assert_eq!(result.column_by_name("column").unwrap().as_string::<i32>().value(a), name);
            assert_eq!(result.column_by_name("count").unwrap().as_primitive::<Int64Type>().value(a), self.units[a].len() as i64);
            let largest = self.units[a].iter().map(|x| x.abs()).max().unwrap() as f64 / 64.0;
            near(f64_column(result, "sum").value(a), self.sum(a) as f64 / 64.0, n * largest);
            near(f64_column(result, "mean").value(a), self.sum(a) as f64 / 64.0 / n, largest);
            let variance = self.product(a, a) as f64 / (4096.0 * n * (n - 1.0));
            near(f64_column(result, "variance").value(a), variance, variance);
            for (b, other) in names.iter().enumerate() {
                let r = f64_column(result, &format!("r.{other}")).value(a);
                let squares = (self.product(a, a) as f64).sqrt() * (self.product(b, b) as f64).sqrt();
                if squares == 0.0 {
                    assert!(r.is_nan(), "{r} without variance");
                } else {
                    near(r, self.product(a, b) as f64 / squares, 1.0);
                }
            }
        }
    }
}

/// Tables of up to 1300 rows (several chunks) and 5 columns, in one table or cut in two.
fn columns() -> impl Strategy<Value = Vec<Vec<i64>>> {
    (2_usize..1300, 1_usize..6).prop_flat_map(|(rows, columns)| {
        let column = (prop_oneof![Just(0_i64), Just(1 << 20), Just(-(1 << 30))], prop_oneof![Just(1_i64), Just(100), Just(1 << 24)])
            .prop_flat_map(move |(offset, spread)| prop::collection::vec(offset - spread..offset + spread, rows));
        prop::collection::vec(column, columns)
    })
}

fn cut(units: &[Vec<i64>], at: usize) -> (Vec<RecordBatch>, Vec<String>) {
    let names: Vec<String> = (0..units.len()).map(|c| format!("第{c}列")).collect();
    let made = |range: std::ops::Range<usize>| {
        let column = |c: usize| (names[c].as_str(), f64s(units[c].iter().map(|x| *x as f64 / 64.0)));
        range.clone().next().map(|_| table(range.map(column).collect()))
    };
    (made(0..at).into_iter().chain(made(at..units.len())).collect(), names)
}

fn agrees(module: &Module, cases: u32) {
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&(columns(), any::<prop::sample::Index>()), |(units, at)| {
            let (tables, names) = cut(&units, at.index(units.len()));
            let output = run(module, &tables, &[]).unwrap();
            Exact { units }.check(&output.table, &names);
            Ok(())
        })
        .unwrap();
}

#[test]
fn statistics_equal_exact_arithmetic() {
    agrees(&try_load(modules::STATISTICS).unwrap(), 40);
}

/// Written again with `YU_WRITE_MODULES=1`, after a change of the source; the hash is then another one, here and in the manual.
#[test]
fn the_committed_module_is_its_source() {
    let built = bytes(STATISTICS);
    if std::env::var_os("YU_WRITE_MODULES").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/statistics.wasm"), &built).unwrap();
    }
    assert!(built == modules::STATISTICS, "modules/statistics.wasm is not what modules/statistics.wat gives");
    let hash = Hash::of_file(modules::STATISTICS);
    assert_eq!(hash.to_string(), "sha-256:2abab3aed0300938aa6c4e1753ccf319aaed245de788e1884432166a45804f36");
    assert!(include_str!("../../../../docs/wasm.md").contains(&hash.to_string()), "docs/wasm.md names another hash");
}

/// The module in C, compiled; `None` says why not.
fn in_c() -> Option<Module> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules");
    if !Command::new("clang").arg("--version").output().is_ok_and(|out| out.status.success())
        || !["wasm-ld", "wasm-ld-14", "wasm-ld-19"].iter().any(|name| Command::new(name).arg("--version").output().is_ok())
    {
        println!("skipped: no clang with wasm-ld here (Debian: apt-get install clang lld)");
        return None;
    }
    let out = tempfile::tempdir().unwrap();
    let [once, again] = ["once.wasm", "again.wasm"].map(|name| {
        let path = out.path().join(name);
        let built = Command::new("sh").arg(folder.join("build.sh")).arg(folder.join("statistics.c")).arg(&path).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        std::fs::read(path).unwrap()
    });
    assert!(once == again, "two builds differ");
    Some(try_load(&once).unwrap())
}

#[test]
fn statistics_in_c_equal_exact_arithmetic() {
    let Some(module) = in_c() else { return };
    agrees(&module, 20);
    refusals(&module);
}

#[test]
fn statistics_refuse_what_they_cannot_answer() {
    refusals(&try_load(modules::STATISTICS).unwrap());
}

fn refusals(module: &Module) {
    let code = |tables: &[RecordBatch]| match run(module, tables, &[]) {
        Err(WasmError::Refused { code }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(&[]), 1);
    assert_eq!(code(&[table(vec![("town", texts(&["a", "b"]))])]), 1);
    let long = "x".repeat(127);
    assert_eq!(code(&[table(vec![(long.as_str(), f64s([1.0, 2.0]))])]), 1);
    let many: Vec<String> = (0..257).map(|c| c.to_string()).collect();
    assert_eq!(code(&[table(many.iter().map(|name| (name.as_str(), f64s([1.0, 2.0]))).collect())]), 1);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(code(&[table(vec![("x", f64s([1.0, bad, 3.0]))])]), 2);
    }
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
    assert_eq!(code(&[table(vec![("x", missing)])]), 2);
    assert_eq!(code(&[small(), table(vec![("y", f64s([1.0, 2.0]))])]), 3);
    assert_eq!(code(&[table(vec![("x", f64s([1.0]))])]), 4);
}

#[test]
fn as_many_columns_as_a_contract_may_have() {
    let module = try_load(modules::STATISTICS).unwrap();
    let units: Vec<Vec<i64>> = (0..256).map(|c| (0..40).map(|row| (row * (c + 3) * 7919) % 1013).collect()).collect();
    let (tables, names) = cut(&units, 100);
    Exact { units }.check(&run(&module, &tables, &[]).unwrap().table, &names);
}

#[test]
fn mean_leaves_missing_values_out() {
    let module = load(MEAN);
    let values: Vec<Option<f64>> = (0..10_000).map(|x| (x % 3 != 0).then(|| f64::from(x))).collect();
    let (count, sum) = values.iter().flatten().fold((0, 0.0), |(n, s), x| (n + 1, s + x));
    let input = table(vec![("town", texts(&vec!["a"; 10_000])), ("x", Arc::new(Float64Array::from(values)))]);
    let output = run(&module, std::slice::from_ref(&input), &1_u32.to_le_bytes()).unwrap().table;
    assert_eq!(output.column_by_name("count").unwrap().as_primitive::<Int64Type>().value(0), count);
    assert_eq!(f64_column(&output, "sum").value(0), sum);
    assert_eq!(f64_column(&output, "mean").value(0), sum / f64::from(i32::try_from(count).unwrap()));
    for (params, code) in [(&[1, 0, 0][..], 1), (&[1, 0, 0, 0, 0], 1), (&[0, 0, 0, 0], 2)] {
        assert_eq!(run(&module, std::slice::from_ref(&input), params).unwrap_err(), WasmError::Refused { code });
    }
}

#[test]
fn every_type_of_number_arrives() {
    let module = load(MEAN);
    let columns: Vec<(&str, ArrayRef, f64)> = vec![
        ("f32", Arc::new(Float32Array::from(vec![0.5, 1.5])), 2.0),
        ("i16", Arc::new(Int16Array::from(vec![-3, 8])), 5.0),
        ("bool", Arc::new(BooleanArray::from(vec![true, true])), 2.0),
        ("date", Arc::new(Date32Array::from(vec![20_000, 1])), 20_001.0),
        ("i64", i64s([1 << 60, 0]), (1_u64 << 60) as f64),
    ];
    let input = table(columns.iter().map(|(name, array, _)| (*name, array.clone())).collect());
    for (at, (name, _, sum)) in (0_u32..).zip(&columns) {
        let output = run(&module, std::slice::from_ref(&input), &at.to_le_bytes()).unwrap().table;
        assert_eq!(f64_column(&output, "sum").value(0), *sum, "{name}");
    }
}

#[test]
fn two_runs_give_the_same_bytes_for_the_same_fuel() {
    let units: Vec<Vec<i64>> = (1..5).map(|c| (0..3000).map(|row| (row * row * c * 7919) % 100_003).collect()).collect();
    let (tables, _) = cut(&units, 2);
    let one = try_load(modules::STATISTICS).unwrap();
    let other = try_load(modules::STATISTICS).unwrap();
    let told = |module: &Module| {
        let output = run(module, &tables, b"ignored").unwrap();
        (stream(&[output.table]), output.usage.fuel, output.usage.memory_bytes, output.usage.bytes_in, output.usage.bytes_out)
    };
    let first = told(&one);
    // also beside each other, where one run's clock may wake the others
    let all: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = [&one, &one, &other, &other].into_iter().map(|module| scope.spawn(|| told(module))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(all.iter().all(|run| *run == first));
    assert_eq!(first.2, 25 * 65536);
    assert_eq!(first.3, 2 * 4 * 3000 * 8 + 2 * 4 * "第0列".len() as u64);
}

#[test]
fn what_a_run_took_is_told() {
    let module = try_load(modules::STATISTICS).unwrap();
    let output = run(&module, &[small()], &[]).unwrap();
    assert!(output.usage.fuel > 100 && output.usage.cpu.as_nanos() > 0 && output.usage.wall >= output.usage.cpu / 2, "{:?}", output.usage);
    // exactly enough is enough, one less is not
    let limits = Limits {
        fuel: output.usage.fuel,
        memory_bytes: output.usage.memory_bytes,
        output_bytes: output.usage.bytes_out,
        ..Limits::default()
    };
    let again = Runner::run(&module, &[small()], &[], &limits).unwrap();
    assert!(again.table == output.table && again.usage.fuel == output.usage.fuel);
    let less = |limits: Limits| Runner::run(&module, &[small()], &[], &limits).unwrap_err().code().as_str();
    assert_eq!(less(Limits { fuel: limits.fuel - 1, ..limits }), "wasm.fuel");
    assert_eq!(less(Limits { memory_bytes: limits.memory_bytes - 1, ..limits }), "wasm.memory");
    assert_eq!(less(Limits { output_bytes: limits.output_bytes - 1, ..limits }), "wasm.output");
    assert!(output.table.columns().iter().all(|column| column.null_count() == 0));
}
