//! Comparisons and selections.

use rand::Rng;

use super::arithmetic::{array, signed};
use super::{Output, Program};
use crate::engine::Engine;
use crate::fixed::Fixed;
use crate::ring::Int;
use crate::{Error, Result};

/// Pairs of which some are equal and some are neighbours.
fn pairs(n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
    let left = signed(n, 62, rng);
    let mut right = signed(n, 62, rng);
    for (at, value) in right.iter_mut().enumerate() {
        match at % 5 {
            1 => *value = left[at],
            2 => *value = (left[at].cast_signed() / 2 + 1).cast_unsigned(),
            _ => {}
        }
    }
    vec![left, right]
}

/// `x < y`.
pub struct Less;

impl Program for Less {
    const NAME: &'static str = "lt";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        pairs(n, rng)
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Int>(&inputs[0])?, array::<E, Int>(&inputs[1])?);
        Ok(vec![Output::Bits(x.lt(engine, &y)?.into_bits())])
    }
}

/// `x = y`.
pub struct Equal;

impl Program for Equal {
    const NAME: &'static str = "eq";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        pairs(n, rng)
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Int>(&inputs[0])?, array::<E, Int>(&inputs[1])?);
        Ok(vec![Output::Bits(x.eq(engine, &y)?.into_bits())])
    }
}

/// `min(x, y)`.
pub struct Minimum;

impl Program for Minimum {
    const NAME: &'static str = "min";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        pairs(n, rng)
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Int>(&inputs[0])?, array::<E, Int>(&inputs[1])?);
        Ok(vec![Output::Words(x.min(engine, &y)?.into_words())])
    }
}

/// What lies outside of two bounds.
pub struct Clamp;

impl Program for Clamp {
    const NAME: &'static str = "clamp";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let mut values = signed(n, 61, rng);
        values.iter_mut().skip(1).step_by(3).for_each(|value| *value = (value.cast_signed() >> 42).cast_unsigned());
        vec![values]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let x = array::<E, Fixed<16>>(&inputs[0])?;
        Ok(vec![Output::Words(x.clamp(engine, -1.5, 2.25)?.into_words())])
    }
}

/// `max(x, 0)`.
pub struct Rectify;

impl Program for Rectify {
    const NAME: &'static str = "relu";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 62, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Int>(&inputs[0])?.relu(engine)?.into_words())])
    }
}

/// Exclusive or, conjunction, disjunction and negation of bits, and a selection by them.
pub struct BitLogic;

impl Program for BitLogic {
    const NAME: &'static str = "bits";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        pairs(n, rng)
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Int>(&inputs[0])?, array::<E, Int>(&inputs[1])?);
        let [a, b] = [x.to_bits(engine, 2)?, y.to_bits(engine, 2)?].map(|bits| bits.into_iter().next_back());
        let (Some(a), Some(b)) = (a, b) else { return Err(Error::caller("an engine splits values into planes")) };
        let all = [a.xor(&b)?, a.and(engine, &b)?, a.or(engine, &b)?, a.not(engine)];
        let lifted = b.lift(engine)?;
        let chosen = a.select(engine, &lifted, &x)?;
        let words = [lifted, chosen].map(|array| Output::Words(array.into_words()));
        Ok(all.into_iter().map(|bits| Output::Bits(bits.into_bits())).chain(words).collect())
    }
}

/// `max(x, y)`.
pub struct Maximum;

impl Program for Maximum {
    const NAME: &'static str = "max";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        pairs(n, rng)
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (x, y) = (array::<E, Int>(&inputs[0])?, array::<E, Int>(&inputs[1])?);
        Ok(vec![Output::Words(x.max(engine, &y)?.into_words())])
    }
}

/// `|x|`.
pub struct Absolute;

impl Program for Absolute {
    const NAME: &'static str = "abs";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 62, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(vec![Output::Words(array::<E, Int>(&inputs[0])?.abs(engine)?.into_words())])
    }
}

/// `x` where `x < y`, else `y`, of three inputs: the selection by a bit.
pub struct Select;

impl Program for Select {
    const NAME: &'static str = "mux";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let mut all = pairs(n, rng);
        all.push(signed(n, 62, rng));
        all
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let [x, y, z] = [0, 1, 2].map(|at| array::<E, Int>(&inputs[at]));
        let (x, y, z) = (x?, y?, z?);
        let is_less = x.lt(engine, &y)?;
        Ok(vec![Output::Words(is_less.select(engine, &z, &y)?.into_words())])
    }
}
