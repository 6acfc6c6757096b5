//! Truncation by name: right where it says so, and wrong as it says.

use yu_mpc::engine::{Engine, Input};
use yu_mpc::{Error, Result};

use super::world::three;

const SHIFT: u32 = 20;

fn cut_on<E: Engine>(engine: &mut E, len: usize, ours: Option<&[u64]>, [shift, bound]: [u32; 2]) -> Result<Vec<u64>> {
    let shared = engine.input(&[Input { owner: 0, len, values: ours }])?;
    let cut = engine.truncate_probabilistic(&[&shared[0]], shift, bound)?;
    Ok(engine.open(&[&cut[0]])?.remove(0))
}

/// Cut values of P0, at each party.
fn cut(values: &[u64], bound: u32) -> Vec<u64> {
    let [first, second, third] = three(|context| {
        let ours = (context.index() == 0).then_some(values);
        cut_on(context, values.len(), ours, [SHIFT, bound]).unwrap()
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
        for sizes in [[0, 20], [20, 19], [20, 63]] {
            let ours = (context.index() == 0).then_some(&[5][..]);
            assert!(matches!(cut_on(context, 1, ours, sizes), Err(Error::Caller(_))), "{sizes:?}");
        }
    });
}
