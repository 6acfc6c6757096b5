//! The joint computation agrees with the clear one.

use std::collections::HashMap;

use ndarray::{Array1, Array2, Ix1, Ix2};
use proptest::prelude::*;
use yu_mpc::Error;
use yu_mpc::fixed::Fixed;
use yu_mpc::ring::Ring64;
use yu_mpc::stats::{Grouping, Owner, Side, StatsPlan};

use crate::world::{NAMES, Table, align, job, names, three};

/// Ring elements with the ends of the range among them.
fn element() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(0), Just(1), Just(u64::MAX), Just(1 << 63), Just((1 << 62) - 1)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn integers(pairs in proptest::collection::vec((element(), element()), 1..40), factor in element()) {
        let (x, y): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let opened = three(|ctx| {
            let mut give = |owner: usize, values: &[u64]| {
                let values = Array1::from(values.to_vec());
                let mine = (ctx.index() == owner).then(|| values.view());
                ctx.input::<Ring64, Ix1>(owner, mine, values.raw_dim()).unwrap()
            };
            let (x, y) = (give(0, &x), give(2, &y));
            let public = Array1::from_elem(x.len(), factor);
            let linear = x.add(&y).unwrap().sub(&x.mul_public(3)).unwrap().neg().add_public(public.view()).unwrap();
            let product = ctx.mul(&x, &y).unwrap();
            let cube = ctx.mul(&product, &linear).unwrap();
            [linear, product, cube].map(|share| ctx.open_to_all(&share).unwrap().into_clear().to_vec())
        });
        for (at, (x, y)) in pairs.iter().enumerate() {
            let linear = x.wrapping_add(*y).wrapping_sub(x.wrapping_mul(3)).wrapping_neg().wrapping_add(factor);
            let product = x.wrapping_mul(*y);
            for party in &opened {
                prop_assert_eq!(party[0][at], linear);
                prop_assert_eq!(party[1][at], product);
                prop_assert_eq!(party[2][at], product.wrapping_mul(linear));
            }
        }
    }

    #[test]
    fn integer_matrices(m in 1usize..6, k in 1usize..6, n in 1usize..6, seed in element()) {
        let value = |at: usize| (at as u64 + 1).wrapping_mul(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let x = Array2::from_shape_fn((m, k), |(i, j)| value(i * k + j));
        let y = Array2::from_shape_fn((k, n), |(i, j)| value(1000 + i * n + j));
        let expected = Array2::from_shape_fn((m, n), |(i, j)| {
            (0..k).fold(0u64, |sum, at| sum.wrapping_add(x[[i, at]].wrapping_mul(y[[at, j]])))
        });
        let opened = three(|ctx| {
            let mine = ctx.index() == 1;
            let x = ctx.input::<Ring64, Ix2>(1, mine.then(|| x.view()), x.raw_dim()).unwrap();
            let y = ctx.input::<Ring64, Ix2>(1, mine.then(|| y.view()), y.raw_dim()).unwrap();
            let product = ctx.matmul(&x, &y).unwrap();
            let turned = ctx.matmul(&y.transposed(), &x.transposed()).unwrap();
            [product, turned.transposed()].map(|share| ctx.open_to_all(&share).unwrap().into_clear())
        });
        for party in opened.iter().flatten() {
            prop_assert_eq!(party, &expected);
        }
    }

    /// `|raw_x raw_y| < 2^62` up to the ends; the opened result is exact in a double.
    #[test]
    fn fixed_products(pairs in proptest::collection::vec((-(1i64 << 31) + 1..1i64 << 31, -(1i64 << 31) + 1..1i64 << 31), 1..60)) {
        let mut pairs = pairs;
        let end = (1i64 << 31) - 1;
        pairs.extend([(end, end), (end, -end), (-end, -end), (0, end), (1, -1), (-1, 1)]);
        let raw: Vec<u64> = pairs.iter().flat_map(|(x, y)| [x.cast_unsigned(), y.cast_unsigned()]).collect();
        let opened = three(|ctx| {
            let own = if ctx.index() == 1 { &raw[..] } else { &[] };
            let [_, all, _] = ctx.inputs([0, raw.len(), 0], own).unwrap();
            let both = all.reshape(Ix2(pairs.len(), 2)).unwrap().transposed().reshape(Ix1(raw.len())).unwrap();
            let x = both.part(0, Ix1(pairs.len())).unwrap().scaled::<20>();
            let y = both.part(pairs.len(), Ix1(pairs.len())).unwrap().scaled::<24>();
            let z = ctx.mul_trunc::<20, 24, 18, _>(&x, &y).unwrap();
            let matrix = ctx.matmul_trunc::<20, 24, 18>(
                &x.reshape(Ix2(pairs.len(), 1)).unwrap(),
                &y.part(0, Ix2(1, 1)).unwrap(),
            ).unwrap();
            (ctx.open_to_all(&z).unwrap().into_clear(), ctx.open_to_all(&matrix).unwrap().into_clear())
        });
        for (elements, matrix) in &opened {
            prop_assert_eq!(elements, &opened[0].0);
            for (at, (x, y)) in pairs.iter().enumerate() {
                let error = |z: f64, y: i64| {
                    let raw = (z * f64::from(1 << 18)) as i128;
                    (raw << 26) - i128::from(*x) * i128::from(y)
                };
                prop_assert!(error(elements[at], *y).abs() < 1 << 26);
                prop_assert!(error(matrix[[at, 0]], pairs[0].1).abs() < 1 << 26);
            }
        }
    }

    #[test]
    fn truncation_at_the_ends(values in proptest::collection::vec(-(1i64 << 62) + 1..1i64 << 62, 1..60)) {
        let mut values = values;
        let end = (1i64 << 62) - 1;
        values.extend([end, -end, end - 1, 1 - end, 0, 1, -1]);
        let raw: Vec<u64> = values.iter().map(|value| value.cast_unsigned()).collect();
        let opened = three(|ctx| {
            let own = if ctx.index() == 2 { &raw[..] } else { &[] };
            let [_, _, x] = ctx.inputs([0, 0, raw.len()], own).unwrap();
            let y = ctx.trunc::<40, 20, _>(&x.scaled::<40>()).unwrap();
            ctx.open_to_all::<Fixed<20>, _>(&y).unwrap().into_clear()
        });
        for party in &opened {
            for (y, x) in party.iter().zip(&values) {
                let raw = (y * f64::from(1 << 20)) as i128;
                prop_assert!(((raw << 20) - i128::from(*x)).abs() < 1 << 20);
            }
        }
    }

    #[test]
    fn intersections(left in proptest::collection::btree_set(0u16..60, 0..40), right in proptest::collection::btree_set(0u16..60, 0..40)) {
        let keys = |set: &std::collections::BTreeSet<u16>| set.iter().map(|key| format!("id-{key}")).collect::<Vec<_>>();
        let (left_keys, right_keys) = (keys(&left), keys(&right));
        let [(l, _), (r, _)] = align(&left_keys, &right_keys);
        prop_assert_eq!(l.len(), r.len());
        let pairs: Vec<_> = l.iter().zip(&r).map(|(l, r)| (&left_keys[*l as usize], &right_keys[*r as usize])).collect();
        prop_assert!(pairs.iter().all(|(l, r)| l == r));
        prop_assert_eq!(pairs.len(), left.intersection(&right).count());
    }

    #[test]
    fn statistics(seed in 0u64..1000, owner in prop_oneof![Just(Owner::Left), Just(Owner::Right)], d_l in 0usize..4, d_r in 1usize..4) {
        compare(seed, owner, d_l, d_r);
    }
}

/// Larger than the frames sent ahead, with an odd rest: streaming, receiving and sending interleave.
#[test]
fn products_of_many_frames() {
    let n = 20 * 32_768 + 5;
    let x: Vec<u64> = (0..n as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let sums = three(|ctx| {
        let own = if ctx.index() == 0 { &x[..] } else { &[] };
        let [x, _, _] = ctx.inputs([n, 0, 0], own).unwrap();
        let square = ctx.mul(&x, &x).unwrap();
        ctx.open_to_all(&square).unwrap().into_clear().to_vec()
    });
    let expected: Vec<u64> = x.iter().map(|x| x.wrapping_mul(*x)).collect();
    assert!(sums.iter().all(|sum| *sum == expected));
}

#[test]
fn empty_arrays_cost_nothing() {
    let results = three(|ctx| {
        let before = ctx.totals();
        let [x, y, _] = ctx.inputs([0, 0, 0], &[]).unwrap();
        let z = ctx.mul(&x, &y).unwrap();
        let empty = x.reshape(Ix2(0, 3)).unwrap();
        let product = ctx.matmul(&empty, &empty.transposed()).unwrap();
        let fixed = ctx.trunc::<20, 10, _>(&z.clone().scaled::<20>()).unwrap();
        assert!(ctx.open_to_all(&z).unwrap().into_clear().is_empty());
        assert!(product.is_empty() && fixed.is_empty());
        ctx.totals() == before
    });
    assert!(results.iter().all(|is_free| *is_free));
}

#[test]
fn alignment_across_frames() {
    let left = names("k", 0..9000);
    let mut right = names("k", 8990..9003);
    right.reverse();
    let [(l, _), (r, _)] = align(&left, &right);
    let mut pairs: Vec<_> = l.iter().zip(&r).map(|(l, r)| (*l, *r)).collect();
    // the common order is that of the tags, not of the rows
    assert_ne!(l, (8990..9000).collect::<Vec<_>>());
    pairs.sort_unstable();
    assert_eq!(pairs, (0..10).map(|at| (8990 + at, 12 - at)).collect::<Vec<_>>());
}

#[test]
fn limits_stop_before_points() {
    use yu_mpc::psi::{Limits, run};
    let (mut a, mut b) = yu_wire::memory::pair("health", "bank");
    let limited = |party: &str| yu_mpc::psi::Config { limits: Limits { min_rows: 1, max_ratio: 10 }, ..crate::world::config(party) };
    let peer = std::thread::spawn(move || run(&mut b, limited("bank"), &["x"], &mut crate::world::rng(1)).err());
    let error = run(&mut a, limited("health"), &names("k", 0..11), &mut crate::world::rng(0)).err().unwrap();
    assert!(matches!(&error, Error::Policy { party, what } if party == "bank" && what.contains("`1`") && what.contains("`11`")));
    assert!(matches!(peer.join().unwrap(), Some(Error::Policy { party, .. }) if party == "health"));
    let totals = a.meter().totals();
    assert_eq!((totals.bytes_sent, totals.messages_sent), (44, 1));
}

#[test]
fn small_groups_stop_before_values() {
    let plan = plan(Owner::Left, 1, 1, 3);
    let results = three(|ctx| {
        let role = crate::world::ROLES[ctx.index()];
        let data = (ctx.index() < 2)
            .then(|| yu_mpc::stats::LocalData { numeric: Array2::zeros((4, 1)), groups: (ctx.index() == 0).then(|| vec![0, 0, 0, 1]) });
        let before = ctx.totals();
        if ctx.index() > 0 {
            return None;
        }
        let error = yu_mpc::stats::run(ctx, &plan, role, data.as_ref(), 4).err().unwrap();
        assert_eq!(ctx.totals(), before);
        Some(error.to_string())
    });
    let error = results[0].as_ref().unwrap();
    assert!(error.contains("`health`") && error.contains("`1` of `2`"), "{error}");
}

#[test]
fn too_few_matched_rows_stop_everybody() {
    let plan = plan(Owner::Left, 1, 1, 10);
    let errors = three(|ctx| {
        let role = crate::world::ROLES[ctx.index()];
        let data = (ctx.index() < 2).then(|| yu_mpc::stats::LocalData { numeric: Array2::zeros((9, 1)), groups: None });
        yu_mpc::stats::run(ctx, &plan, role, data.as_ref(), 9).err().unwrap()
    });
    assert!(errors.iter().all(|error| matches!(error, Error::Policy { .. }) && error.to_string().contains("`9`")));
}

fn plan(owner: Owner, d_l: usize, d_r: usize, min_cell: u64) -> StatsPlan {
    let grouping = Grouping { side: owner, column: "class".into(), categories: vec!["no".into(), "yes".into()] };
    StatsPlan {
        left: Side { party: NAMES[0].into(), columns: names("l", 0..d_l) },
        right: Side { party: NAMES[1].into(), columns: names("r", 0..d_r) },
        helper: NAMES[2].into(),
        grouping: Some(grouping),
        min_cell,
    }
}

/// A job on random tables of which some rows match and some columns are constant, against the textbook.
fn compare(seed: u64, owner: Owner, d_l: usize, d_r: usize) {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut table = |prefix: usize, width: usize| Table {
        keys: names("k", prefix..prefix + 40),
        numeric: (0..40)
            .map(|_| (0..width).map(|column| if column == 2 { 4.25 } else { 1000.0 * random() - 300.0 * column as f64 }).collect())
            .collect(),
        groups: None,
    };
    let (mut left, mut right) = (table(0, d_l), table(10, d_r));
    let side = if owner == Owner::Left { &mut left } else { &mut right };
    side.groups = Some((0..40).map(|row| u32::from(row % 3 == 0)).collect());
    let plan = plan(owner, d_l, d_r, 5);
    let job = job(&plan, &left, &right);

    let at: HashMap<_, _> = right.keys.iter().enumerate().map(|(row, key)| (key, row)).collect();
    let rows: Vec<(usize, usize)> = left.keys.iter().enumerate().filter_map(|(l, key)| at.get(key).map(|r| (l, *r))).collect();
    assert_eq!((job.matched, job.statistics.count), (30, 30));
    let column = |number: usize| -> Vec<f64> {
        rows.iter().map(|(l, r)| if number < d_l { left.numeric[*l][number] } else { right.numeric[*r][number - d_l] }).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let cov = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - mean(a)) * (y - mean(b))).sum::<f64>() / (a.len() - 1) as f64;
    let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-6, "{a:?} {b}");
    for i in 0..d_l + d_r {
        let (x, got) = (column(i), &job.statistics.columns[i]);
        assert_eq!(got.party, if i < d_l { NAMES[0] } else { NAMES[1] });
        close(got.mean, mean(&x));
        close(got.sd, cov(&x, &x).sqrt());
        for j in 0..d_l + d_r {
            let y = column(j);
            let value = job.statistics.correlation[i][j];
            if x.iter().all(|v| *v == x[0]) || y.iter().all(|v| *v == y[0]) {
                assert_eq!(value, None);
            } else {
                close(value, cov(&x, &y) / (cov(&x, &x) * cov(&y, &y)).sqrt());
            }
        }
        for (group, got) in job.statistics.groups.iter().enumerate() {
            let member = |(l, r): &(usize, usize)| if owner == Owner::Left { l % 3 == 0 } else { r % 3 == 0 };
            let inside: Vec<f64> = rows.iter().zip(&x).filter(|(row, _)| member(row) == (group == 1)).map(|(_, x)| *x).collect();
            assert_eq!(got.count, inside.len() as u64);
            close(got.means[i], mean(&inside));
        }
    }
}
