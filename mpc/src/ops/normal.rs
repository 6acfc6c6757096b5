//! Numbers as a part between 1/2 and 1 and a power of two that nobody knows.

use super::{circuit, convert};
use crate::Result;
use crate::engine::{BitVector, Engine, Module, Product};
use crate::secret::only;

/// Raw values are below `2^WIDTH` in absolute value.
pub(crate) const WIDTH: u32 = 40;

/// Where the leading one is, and whether the number is negative.
pub(crate) struct Leading<E: Engine> {
    /// One of [`WIDTH`] bits; none for zero.
    pub(crate) one: Vec<E::Bits>,
    pub(crate) negative: E::Bits,
}

/// The leading bit of `|x|`: 14 rounds. For a negative power of two it is the bit below, which is as good: the part is 1 then.
pub(crate) fn leading<E: Engine>(engine: &mut E, x: &E::Words) -> Result<Leading<E>> {
    let mut planes = convert::split(engine, x, WIDTH + 1)?;
    let negative = planes.pop().ok_or_else(|| crate::Error::caller("an engine splits values into planes"))?;
    // the sign in front of |x| - 1, which is zero for -1, then leads for -1; for positive numbers it is nothing
    let mut size = vec![negative.clone()];
    size.extend(planes.iter().map(|plane| plane.xor(&negative)));
    let mut one = circuit::leading_one(engine, &size)?;
    let sign = one.remove(0);
    one[0] = one[0].xor(&sign);
    Ok(Leading { one, negative })
}

/// `2^(WIDTH - 1 - j)` where bit `j` leads; zero for zero.
pub(crate) fn factor<E: Engine>(engine: &mut E, leading: &Leading<E>) -> Result<E::Words> {
    let planes: Vec<&E::Bits> = leading.one.iter().rev().collect();
    convert::join(engine, &planes)
}

/// `t = 4 y - 3` at `fraction` bits of the part `1/2 <= y <= 1`: between -1 and 1.
pub(crate) fn centred<E: Engine>(engine: &mut E, x: &E::Words, factor: &E::Words, fraction: u32) -> Result<E::Words> {
    let part = only(engine.multiply(&[Product::Each(x, factor)], WIDTH - 2 - fraction)?)?;
    Ok(part.sub(&engine.constant(&vec![3 << fraction; crate::engine::Vector::len(x)])))
}
