//! Truncation by name: right where it says so, and wrong as it says.

use yu_mpc::Error;
use yu_mpc::engine::{Engine, Input};

use super::world::three;

const SHIFT: u32 = 20;

/// Cut values of P0, at each party.
fn cut(values: &[u64], bound: u32) -> Vec<u64> {
    let [first, second, third] = three(|context| {
        let ours = (context.index() == 0).then_some(values);
        let shared = context.input(&[Input { owner: 0, len: values.len(), values: ours }]).unwrap();
        let cut = context.truncate_probabilistic(&[&shared[0]], SHIFT, bound).unwrap();
        context.open(&[&cut[0]]).unwrap().remove(0)
    });
    assert!(first == second && second == third);
    first
}

#[test]
fn small_numbers_are_cut_with_an_error_below_one_unit() {
    let values: Vec<u64> = (0..5000i64).map(|at| (at * 6700 - (1 << 24)).cast_unsigned()).collect();
    for (value, got) in values.iter().zip(cut(&values, 24)) {
        let error = (got.cast_signed() << SHIFT) - value.cast_signed();
        assert!(error.abs() < 1 << SHIFT, "{value} {got}");
    }
}

/// `x + 2^62` is three quarters of 2^63: the sum with a uniform number wraps in three of eight cases, by what the documentation says.
#[test]
fn large_numbers_wrap_as_often_as_stated() {
    const COUNT: usize = 8000;
    let value = 1i64 << 61;
    let wrapped = cut(&vec![value.cast_unsigned(); COUNT], 62)
        .into_iter()
        .filter(|got| {
            let away = got.cast_signed() - (value >> SHIFT);
            assert!(away.abs() <= 1 || (away + (1 << (64 - SHIFT))).abs() <= 1, "{away}");
            away.abs() > 1
        })
        .count();
    // 3000 expected, standard deviation 43
    assert!((2700..3300).contains(&wrapped), "{wrapped}");
}

#[test]
fn bounds_that_do_not_fit_are_refused() {
    three(|context| {
        let shared = context.input(&[Input { owner: 0, len: 1, values: (context.index() == 0).then_some(&[5][..]) }]).unwrap();
        for (shift, bound) in [(0, 20), (20, 19), (20, 63)] {
            assert!(matches!(context.truncate_probabilistic(&[&shared[0]], shift, bound), Err(Error::Caller(_))), "{shift} {bound}");
        }
    });
}
