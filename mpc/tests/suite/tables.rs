//! Tables against plain Rust, on the reference engine; the conformance suite holds the other engines against it.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Ix1, arr1};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use yu_mpc::clear::Clear;
use yu_mpc::conformance;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Module, Words};
use yu_mpc::programs::{Program, Visitor, by_name};
use yu_mpc::rep3::Context;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table::{self, Fraction, Grouping, Key, Side};
use yu_mpc::{Error, Result};

use super::world::{NAMES, three};

fn share(values: &[u64]) -> Words<1> {
    Clear.constant(values)
}

fn clear(words: &Words<1>) -> Vec<u64> {
    words.part(0).to_vec()
}

/// Values of which some are equal and some at the ends.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..4, Just(u64::MAX), Just(1 << 63), Just((1 << 63) - 1), any::<u64>()]
}

fn column(max: usize) -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(value(), 0..max)
}

/// Columns of one length: two of values, one of flags.
fn rows(max: usize) -> impl Strategy<Value = (Vec<u64>, Vec<u64>, Vec<u64>)> {
    proptest::collection::vec((value(), value(), 0u64..2), 0..max).prop_map(|rows| {
        let of = |pick: fn(&(u64, u64, u64)) -> u64| rows.iter().map(pick).collect::<Vec<_>>();
        (of(|row| row.0), of(|row| row.1), of(|row| row.2))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sorts_stably_by_several_keys((a, b, flag) in rows(400)) {
        let (x, y, z) = (share(&a), share(&b), share(&flag));
        let keys = [Key::flag(&z).descending(), Key::signed(&x), Key::unsigned(&y, 64).descending()];
        let sorted = table::sort(&mut Clear, &keys, &[&y]).unwrap();
        let mut expected: Vec<usize> = (0..a.len()).collect();
        expected.sort_by_key(|row| (1 - flag[*row], a[*row].cast_signed(), !b[*row]));
        prop_assert_eq!(clear(&sorted.rows), expected.iter().map(|row| *row as u64).collect::<Vec<_>>());
        prop_assert_eq!(clear(&sorted.keys[1]), expected.iter().map(|row| a[*row]).collect::<Vec<_>>());
        prop_assert_eq!(clear(&sorted.columns[0]), expected.iter().map(|row| b[*row]).collect::<Vec<_>>());
        let places = table::places(&mut Clear, &keys).unwrap();
        let moved = table::scatter(&mut Clear, &places, &[&x]).unwrap().remove(0);
        prop_assert_eq!(clear(&moved), clear(&sorted.keys[1]));
        prop_assert_eq!(clear(&table::gather(&mut Clear, &places, &[&moved]).unwrap()[0]), a);
    }

    #[test]
    fn short_keys_ignore_higher_bits(a in column(200), bits in 1u32..=64) {
        let x = share(&a);
        let sorted = table::sort(&mut Clear, &[Key::unsigned(&x, bits)], &[]).unwrap();
        let mut expected = a;
        expected.sort_by_key(|value| value & (u64::MAX >> (64 - bits)));
        prop_assert_eq!(clear(&sorted.keys[0]), expected);
    }

    #[test]
    fn partitions_stably((a, _, flag) in rows(200)) {
        let moved = table::partition(&mut Clear, &share(&flag), &[&share(&a)]).unwrap();
        let of = |wanted: u64| a.iter().zip(&flag).filter(move |(_, flag)| **flag == wanted).map(|(a, _)| *a);
        prop_assert_eq!(clear(&moved[0]), of(1).chain(of(0)).collect::<Vec<_>>());
    }

    #[test]
    fn groups_rows((key, value, flag) in rows(300), with_flags: bool, extremes: bool) {
        let (k, v, f) = (share(&key), share(&value), share(&flag));
        let keys = [Key::unsigned(&k, 64)];
        let sums = [&v, &k];
        let mut grouping = Grouping::by(&keys).sums(&sums);
        grouping = if with_flags { grouping.only(&f) } else { grouping };
        grouping = if extremes { grouping.extremes(Key::signed(&v)) } else { grouping };
        let groups = table::group_by(&mut Clear, &grouping).unwrap();
        let mut expected = BTreeMap::<u64, Vec<u64>>::new();
        for ((key, value), flag) in key.iter().zip(&value).zip(&flag) {
            if *flag == 1 || !with_flags {
                expected.entry(*key).or_default().push(*value);
            }
        }
        let padded = |values: Vec<u64>| values.into_iter().chain(std::iter::repeat(0)).take(key.len()).collect::<Vec<_>>();
        let each = |of: fn(&u64, &Vec<u64>) -> u64| padded(expected.iter().map(|(key, values)| of(key, values)).collect());
        let sum = |values: &[u64]| values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
        prop_assert_eq!(clear(&groups.is_group), each(|_, _| 1));
        prop_assert_eq!(clear(&groups.keys[0]), each(|key, _| *key));
        prop_assert_eq!(clear(&groups.counts), each(|_, values| values.len() as u64));
        prop_assert_eq!(clear(&groups.sums[0]), padded(expected.values().map(|values| sum(values)).collect()));
        prop_assert_eq!(clear(&groups.sums[1]), each(|key, values| key.wrapping_mul(values.len() as u64)));
        prop_assert_eq!(groups.min.is_some(), extremes);
        if let (Some(min), Some(max)) = (groups.min, groups.max) {
            let signed = |values: &Vec<u64>| values.iter().map(|value| value.cast_signed()).collect::<Vec<_>>();
            prop_assert_eq!(clear(&min), padded(expected.values().map(|v| signed(v).into_iter().min().unwrap().cast_unsigned()).collect()));
            prop_assert_eq!(clear(&max), padded(expected.values().map(|v| signed(v).into_iter().max().unwrap().cast_unsigned()).collect()));
        }
        let count = table::distinct(&mut Clear, &keys, with_flags.then_some(&f)).unwrap();
        prop_assert_eq!(clear(&count), [expected.len() as u64]);
    }

    #[test]
    fn divides_sums_by_counts(rows in proptest::collection::vec((-(1i64 << 62) + 1..1 << 62, 0u64..300, 0u32..62), 0..100), most in 300usize..5000) {
        let sums: Vec<i64> = rows.iter().map(|row| row.0 >> row.2).collect();
        let counts: Vec<u64> = rows.iter().map(|row| if row.1 == 299 { most as u64 } else { row.1 }).collect();
        let column = share(&sums.iter().map(|sum| sum.cast_unsigned()).collect::<Vec<_>>());
        let means = table::means(&mut Clear, &[&column, &column.neg()], &share(&counts), most).unwrap();
        for (at, (sum, count)) in sums.iter().zip(&counts).enumerate() {
            for (mean, sum) in means.iter().zip([*sum, -sum]) {
                let mean = i128::from(clear(mean)[at].cast_signed());
                let off = mean * i128::from(*count) - i128::from(sum);
                prop_assert!(if *count == 0 { mean == 0 } else { off.abs() <= 2 * i128::from(*count) }, "{sum} / {count} is not {mean}");
            }
        }
    }

    #[test]
    fn joins_rows(left in proptest::collection::btree_set(0u32..60, 0..40), right in proptest::collection::btree_set(0u32..60, 0..40)) {
        let digests = |ids: &BTreeSet<u32>| {
            let names: Vec<[u8; 4]> = ids.iter().map(|id| id.to_le_bytes()).collect();
            table::digests(&[7; 32], names.iter().map(|name| &name[..])).unwrap().map(|words| share(&words))
        };
        let payload = |ids: &BTreeSet<u32>, factor: u64| share(&ids.iter().map(|id| u64::from(*id + 1) * factor).collect::<Vec<_>>());
        let ([ll, lh], [rl, rh]) = (digests(&left), digests(&right));
        let (a, b, c) = (payload(&left, 1), payload(&right, 1), payload(&right, 1000));
        let joined = table::join(
            &mut Clear,
            &Side { digests: [&ll, &lh], columns: &[&a] },
            &Side { digests: [&rl, &rh], columns: &[&b, &c] },
        ).unwrap();
        prop_assert_eq!(clear(&joined.repeated), [0]);
        let (flags, a, b, c) = (clear(&joined.is_match), clear(&joined.left[0]), clear(&joined.right[0]), clear(&joined.right[1]));
        prop_assert_eq!(flags.len(), left.len() + right.len());
        let mut matched = BTreeSet::new();
        for row in 0..flags.len() {
            prop_assert_eq!(a[row], b[row]);
            prop_assert_eq!(c[row], 1000 * a[row]);
            prop_assert_eq!(flags[row], u64::from(a[row] > 0));
            if flags[row] == 1 {
                prop_assert!(matched.insert(a[row] as u32 - 1));
            }
        }
        prop_assert_eq!(matched, left.intersection(&right).copied().collect::<BTreeSet<_>>());
    }

    #[test]
    fn picks_order_statistics((a, _, flag) in rows(200), percent in 0u32..=100, with_flags: bool) {
        prop_assume!(!a.is_empty());
        let (x, f) = (share(&a), share(&flag));
        let at = Fraction::percent(percent);
        let got = table::quantiles(&mut Clear, Key::signed(&x), with_flags.then_some(&f), &[at, Fraction::MEDIAN]).unwrap();
        let mut values: Vec<i64> =
            a.iter().zip(&flag).filter(|(_, flag)| **flag == 1 || !with_flags).map(|(value, _)| value.cast_signed()).collect();
        values.sort_unstable();
        let rank = |a: usize, b: usize| (a * values.len()).div_ceil(b).max(1) - 1;
        let expected = [rank(percent as usize, 100), rank(1, 2)].map(|place| values.get(place).copied().unwrap_or(0).cast_unsigned());
        prop_assert_eq!(got.iter().map(|word| clear(word)[0]).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn counts_by_edges_and_codes((a, b, flag) in rows(200), edges in proptest::collection::btree_set(any::<i64>(), 0..6), with_flags: bool) {
        let (x, f) = (share(&a), share(&flag));
        let valid = with_flags.then_some(&f);
        let raw: Vec<u64> = edges.iter().map(|edge| edge.cast_unsigned()).collect();
        let counts = clear(&table::histogram(&mut Clear, Key::signed(&x), &raw, valid).unwrap());
        let mut expected = vec![0; edges.len() + 1];
        let mut codes = [0; 5];
        for value in a.iter().zip(&flag).filter(|(_, flag)| **flag == 1 || !with_flags).map(|(value, _)| *value) {
            expected[edges.iter().filter(|edge| **edge <= value.cast_signed()).count()] += 1;
            if let Some(count) = codes.get_mut((value & 0xffff_ffff) as usize) {
                *count += 1;
            }
        }
        prop_assert_eq!(counts, expected);
        for categories in 1..=5 {
            let counts = table::categories(&mut Clear, &x, categories, valid).unwrap();
            prop_assert_eq!(&clear(&counts), &codes[..categories]);
            let groups = table::by_category(&mut Clear, &x, categories, &[&x, &share(&b)], valid).unwrap();
            prop_assert_eq!(&clear(&groups.counts), &codes[..categories]);
            for (column, sums) in [&a, &b].into_iter().zip(&groups.sums) {
                let mut expected = vec![0u64; categories];
                for row in (0..a.len()).filter(|row| flag[*row] == 1 || !with_flags) {
                    if let Some(sum) = expected.get_mut((a[row] & 0xffff_ffff) as usize) {
                        *sum = sum.wrapping_add(column[row]);
                    }
                }
                prop_assert_eq!(clear(sums), expected);
            }
        }
    }

    #[test]
    fn finds_the_first_rows((a, b, _) in rows(1200), k in 0usize..20) {
        let (x, y) = (share(&a), share(&b));
        let top = table::top(&mut Clear, &[Key::signed(&x).descending()], &[&y], k).unwrap();
        let mut expected: Vec<usize> = (0..a.len()).collect();
        expected.sort_by_key(|row| std::cmp::Reverse(a[*row].cast_signed()));
        expected.truncate(k);
        prop_assert_eq!(clear(&top[0]), expected.iter().map(|row| a[*row]).collect::<Vec<_>>());
        prop_assert_eq!(clear(&top[1]), expected.iter().map(|row| b[*row]).collect::<Vec<_>>());
    }
}

#[test]
fn a_repeated_key_is_counted() {
    let names = [3u64, 1, 3, 2, 3];
    let columns = |names: &[u64], word: usize| {
        share(&names.iter().map(|name| table::digest(&[0; 32], &name.to_le_bytes())[word]).collect::<Vec<_>>())
    };
    let (ll, lh, rl, rh) = (columns(&names, 0), columns(&names, 1), columns(&names[3..], 0), columns(&names[3..], 1));
    let (left, right) = (Side { digests: [&ll, &lh], columns: &[] }, Side { digests: [&rl, &rh], columns: &[] });
    let joined = table::join(&mut Clear, &left, &right).unwrap();
    assert_eq!(clear(&joined.repeated), [2]);
    assert_eq!(clear(&joined.is_match).iter().sum::<u64>(), 2);
}

#[test]
fn bad_input_is_refused() {
    let (x, y) = (share(&[0, 0]), share(&[1]));
    let refused = |result: Result<()>| assert!(matches!(result, Err(Error::Caller(_) | Error::Shape { .. })), "{result:?}");
    refused(table::sort(&mut Clear, &[], &[&x]).map(drop));
    refused(table::sort(&mut Clear, &[Key::signed(&x)], &[&y]).map(drop));
    refused(table::sort(&mut Clear, &[Key::unsigned(&x, 65)], &[]).map(drop));
    refused(table::sort(&mut Clear, &[Key::unsigned(&x, 0)], &[]).map(drop));
    refused(table::scatter(&mut Clear, &x, &[&x]).map(drop));
    refused(table::gather(&mut Clear, &x, &[&x]).map(drop));
    refused(table::scatter(&mut Clear, &y, &[&y]).map(drop));
    refused(table::partition(&mut Clear, &x, &[&y]).map(drop));
    refused(table::quantiles(&mut Clear, Key::signed(&x), None, &[Fraction { numerator: 2, denominator: 1 }]).map(drop));
    refused(table::quantiles(&mut Clear, Key::signed(&x), None, &[Fraction { numerator: 0, denominator: 0 }]).map(drop));
    refused(table::quantiles(&mut Clear, Key::signed(&share(&[])), None, &[Fraction::MEDIAN]).map(drop));
    refused(table::histogram(&mut Clear, Key::signed(&x), &[3, 3], None).map(drop));
    refused(table::categories(&mut Clear, &x, 0, None).map(drop));
    let odd = Side { digests: [&x, &y], columns: &[] };
    refused(table::join(&mut Clear, &odd, &odd).map(drop));
}

/// Opens the columns that a program returns, on three parties, whose meters show what the dry run predicted.
macro_rules! metered {
    ($inputs:expr, |$engine:ident, $x:ident| $program:expr) => {{
        let inputs: Vec<Vec<u64>> = $inputs;
        let mut dry = Dry::<Context>::new(&NAMES);
        {
            let $engine = &mut dry;
            let $x = conformance::share($engine, &inputs, None).unwrap();
            let columns: Vec<_> = $program.unwrap();
            $engine.open(&columns.iter().collect::<Vec<_>>()).unwrap();
        }
        let cost = dry.cost().unwrap();
        let results = three(|$engine: &mut Context| {
            let $x = conformance::share($engine, &inputs, Some($engine.index()))?;
            let columns: Vec<_> = $program?;
            Ok(($engine.open(&columns.iter().collect::<Vec<_>>())?, $engine.totals()))
        });
        let mut opened = Vec::new();
        for (result, name) in results.into_iter().zip(NAMES) {
            let (columns, totals): (Vec<Vec<u64>>, _) = Result::unwrap(result);
            let predicted = cost.party(name).unwrap();
            assert_eq!((totals.bytes_sent, totals.rounds), (predicted.bytes_sent, predicted.rounds));
            opened = columns;
        }
        opened
    }};
}

/// A size with several stages.
#[test]
fn a_sort_in_stages_costs_what_was_predicted() {
    let values: Vec<u64> = (0..700).map(|row| (row * row) % 97).collect();
    let opened = metered!(vec![values.clone()], |engine, x| {
        table::sort(engine, &[Key::unsigned(&x[0], 7)], &[]).map(|sorted| sorted.keys.into_iter().chain([sorted.rows]).collect::<Vec<_>>())
    });
    let mut expected: Vec<u64> = (0..700).collect();
    expected.sort_by_key(|row| values[*row as usize]);
    assert_eq!(opened[1], expected);
    assert!(opened[0].is_sorted());
}

/// A size with a sample.
#[test]
fn a_selection_costs_what_was_predicted() {
    let values: Vec<u64> = (0..2000).map(|row| (row * row) % 1999).collect();
    let opened = metered!(vec![values.clone()], |engine, x| table::top(engine, &[Key::unsigned(&x[0], 11).descending()], &[], 6));
    let mut expected = values;
    expected.sort_unstable_by_key(|value| std::cmp::Reverse(*value));
    assert_eq!(opened[0], expected[..6]);
}

/// Bytes a row and rounds of a program, without its inputs.
struct Price(usize);

impl Visitor for Price {
    type Out = (u64, u32);

    fn visit<P: Program>(&mut self, program: &P) -> (u64, u32) {
        let inputs = program.inputs(self.0, &mut StdRng::seed_from_u64(1));
        let mut dry = Dry::<Context>::new(&NAMES);
        let shared = conformance::share(&mut dry, &inputs, None).unwrap();
        let before = dry.cost().unwrap();
        program.run(&mut dry, &shared, self.0).unwrap();
        let cost = dry.cost().unwrap();
        ((cost.bytes - before.bytes).div_ceil(self.0 as u64), cost.rounds - before.rounds)
    }
}

/// The table in the documentation of [`yu_mpc::table`]: nothing costs more than it says.
#[test]
fn costs_are_documented() {
    let documented = include_str!("../../src/table.rs");
    let mut missing = Vec::new();
    for name in [
        "shuffle",
        "permute",
        "partition",
        "sort",
        "sort-table",
        "group-by",
        "group-mean",
        "join",
        "top-k",
        "quantiles",
        "histogram",
        "categories",
        "by-category",
        "distinct",
    ] {
        let [(small, few), (large, many)] = [1_000, 100_000].map(|rows| by_name(name, &mut Price(rows)).unwrap());
        let line = documented.lines().find_map(|line| line.strip_prefix(&format!("//! | {name} | ")));
        let figures: Vec<u64> = line.unwrap_or_default().split('|').filter_map(|figure| figure.trim().parse().ok()).collect();
        let actual = [small, few.into(), large, many.into()];
        if figures.len() != 4 || figures.iter().zip(actual).any(|(documented, actual)| actual > *documented) {
            missing.push(format!("//! | {name} | {small} | {few} | {large} | {many} |"));
        }
    }
    assert!(missing.is_empty(), "costs more than documented:\n{}", missing.join("\n"));
}

/// The aim: 6 KB for each key in all.
#[test]
fn a_sort_of_64_bit_keys_stays_below_its_budget() {
    let (bytes, rounds) = by_name("sort", &mut Price(100_000)).unwrap();
    assert!(bytes < 3_200 && rounds < 200, "{bytes} bytes, {rounds} rounds");
}

#[test]
fn arrays_have_the_same_by_name() {
    let x = Secret::<Clear, Int, Ix1>::constant(&Clear, arr1(&[3, -5, 9, 0]).view()).unwrap();
    assert_eq!(x.sorted(&mut Clear).unwrap().open(&mut Clear).unwrap(), arr1(&[-5, 0, 3, 9]));
    assert_eq!(x.greatest(&mut Clear, 2).unwrap().open(&mut Clear).unwrap(), arr1(&[9, 3]));
    assert_eq!(x.greatest(&mut Clear, 7).unwrap().len(), 4);
    assert_eq!(x.quantile(&mut Clear, Fraction::MEDIAN).unwrap().open(&mut Clear).unwrap().into_scalar(), 0);
}
