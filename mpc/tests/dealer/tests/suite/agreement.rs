//! Random operands and shapes against plain integers, and what the dealer is told.

use proptest::prelude::*;
use yu_mpc::conformance::run;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Input, Product, Words};
use yu_mpc_dealer::Context;
use yu_wire::shape::Link;

use crate::conformance::Dealer;

fn input(engine: &mut Context, owner: usize, values: &[u64]) -> Words<1> {
    let is_ours = engine.index() == owner;
    engine.input(&[Input { owner, len: values.len(), values: is_ours.then_some(values) }]).unwrap().remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Less than one unit away, whoever owns the value.
    #[test]
    fn truncation_is_exact(
        values in proptest::collection::vec(-(1i64 << 62) + 1..1 << 62, 0..130),
        shift in 1u32..=62,
        owner in 0usize..3,
    ) {
        let raw: Vec<u64> = values.iter().map(|value| value.cast_unsigned()).collect();
        let opened = run::<Dealer, _>(Link::LOCAL, |engine, _| {
            let x = input(engine, owner, &raw);
            let y = engine.truncate(&[&x], shift)?;
            Ok(engine.open(&[&y[0]])?.remove(0))
        });
        for opened in opened {
            for (x, y) in values.iter().zip(opened.unwrap()) {
                let away = i128::from(y.cast_signed()) * (1 << shift) - i128::from(*x);
                prop_assert!(away.abs() < 1 << shift, "{} >> {} gave {}", x, shift, y.cast_signed());
            }
        }
    }

    #[test]
    fn matrices_of_odd_shapes(m in 0usize..9, k in 0usize..9, n in 0usize..9, seed in any::<u64>()) {
        let value = |at: usize| seed.wrapping_mul(at as u64 + 1).rotate_left(at as u32 % 64);
        let left: Vec<u64> = (0..m * k).map(value).collect();
        let right: Vec<u64> = (0..k * n).map(|at| value(at + 1000)).collect();
        let entry = |row: usize, column: usize| {
            (0..k).fold(0u64, |sum, at| sum.wrapping_add(left[row * k + at].wrapping_mul(right[at * n + column])))
        };
        let expected: Vec<u64> = (0..m).flat_map(|row| (0..n).map(move |column| (row, column))).map(|(row, column)| entry(row, column)).collect();
        let opened = run::<Dealer, _>(Link::LOCAL, |engine, _| {
            let (x, y) = (input(engine, 0, &left), input(engine, 2, &right));
            let z = engine.multiply(&[Product::Matrix { left: &x, right: &y, shape: [m, k, n] }], 0)?;
            Ok(engine.open(&[&z[0]])?.remove(0))
        });
        for opened in opened {
            prop_assert_eq!(&opened.unwrap(), &expected);
        }
    }
}

/// The dealer receives its key and masked shares of what is opened, nothing else.
#[test]
fn the_dealer_hears_openings_only() {
    let values = [3, 5, 8];
    run::<Dealer, _>(Link::LOCAL, |engine, seat| {
        let x = input(engine, 0, &values);
        let y = input(engine, 1, &values);
        let z = engine.multiply(&[Product::Each(&x, &y)], 3)?;
        let bits = engine.addends(&[&z[0]], 64)?.remove(0).map(|mut planes| planes.remove(5));
        engine.and(&[(&bits[0], &bits[1])])?;
        engine.inject(&[(&bits[0], &x)])?;
        let by = engine.draw_shuffle(3)?;
        engine.shuffle(&by, &[&x], yu_mpc::engine::Way::Forward)?;
        let before = seat.totals().unwrap().bytes_received;
        engine.open(&[&x])?;
        if seat.index() == 2 {
            assert_eq!(before, 32 + 32);
            assert_eq!(seat.totals().unwrap().bytes_received, before + 2 * (32 + 24));
        }
        Ok(())
    })
    .into_iter()
    .for_each(|result| result.unwrap());
}

/// The table of the module doc, in numbers.
#[test]
fn prices_are_those_of_the_table() {
    let names = ["first", "second", "dealer"];
    let cost = |operation: &dyn Fn(&mut Dry<Context>)| {
        let mut dry = Dry::<Context>::new(&names);
        let before = dry.cost().unwrap();
        operation(&mut dry);
        let after = dry.cost().unwrap();
        let payload = |name| after.party(name).unwrap().bytes_sent - before.party(name).unwrap().bytes_sent;
        (after.rounds - before.rounds, names.map(payload))
    };
    let x = Dry::<Context>::new(&names).constant(&[0; 100]);
    let bits = Dry::<Context>::new(&names).constant_bits(&yu_mpc::engine::Packed::zeros(100));
    let frame = 32;
    assert_eq!(cost(&|dry| drop(dry.multiply(&[Product::Each(&x, &x)], 0).unwrap())), (1, [1600 + frame, 1600 + frame, 800 + frame]));
    assert_eq!(cost(&|dry| drop(dry.truncate(&[&x], 20).unwrap())), (1, [800 + frame, 800 + frame, 800 + 320 + 2 * frame]));
    assert_eq!(cost(&|dry| drop(dry.and(&[(&bits, &bits)]).unwrap())), (1, [32 + frame, 32 + frame, 16 + frame]));
    assert_eq!(cost(&|dry| drop(dry.addends(&[&x], 64).unwrap())), (0, [0; 3]));
    assert_eq!(cost(&|dry| drop(dry.lift(&[&bits]).unwrap())), (1, [16 + frame, 16 + frame, 800 + frame]));
    assert_eq!(cost(&|dry| drop(dry.inject(&[(&bits, &x)]).unwrap())), (1, [816 + frame, 816 + frame, 1600 + frame]));
    assert_eq!(cost(&|dry| drop(dry.open(&[&x]).unwrap())), (1, [1600 + 2 * frame, 1600 + 2 * frame, 0]));
    let dealt = Input { owner: 2, len: 100, values: None };
    assert_eq!(cost(&|dry| drop(dry.input(&[dealt]).unwrap())), (1, [0, 0, 800 + frame]));
    let own = Input { owner: 1, len: 100, values: None };
    assert_eq!(cost(&|dry| drop(dry.input(&[own]).unwrap())), (0, [0; 3]));
}
