//! Circuits over bit planes: one call of [`Engine::and`] per level.

use crate::Result;
use crate::engine::{BitVector, Engine, Packed, Vector};

/// Generate and propagate bits of ranges of positions, lowest range first; the lowest range needs no propagate bit.
struct Ranges<B> {
    generate: Vec<B>,
    /// `propagate[i]` belongs to `generate[i + 1]`.
    propagate: Vec<B>,
}

/// The carry out of the sum of two numbers given as planes, lowest first: a tree of `ceil(log2 w)` levels and one more
/// round, `3w - 2 - ceil(log2 w)` conjunctions per element for `w` a power of two (and nearly so otherwise).
///
/// # Errors
/// [`Engine::and`]'s.
pub fn carry_out<E: Engine>(engine: &mut E, a: &[E::Bits], b: &[E::Bits]) -> Result<E::Bits> {
    let pairs: Vec<_> = a.iter().zip(b).collect();
    let generate = engine.and(&pairs)?;
    let propagate = a.iter().zip(b).skip(1).map(|(a, b)| a.xor(b)).collect();
    reduce(engine, Ranges { generate, propagate })
}

/// The top bits of sums of pairs of numbers, all given as planes of one number and width: one carry tree for all of them.
///
/// # Errors
/// [`Engine::and`]'s; [`crate::Error::Caller`] for numbers without planes.
pub fn negative<E: Engine>(engine: &mut E, addends: &[[Vec<E::Bits>; 2]]) -> Result<Vec<E::Bits>> {
    let len = addends.first().and_then(|[a, _]| a.first()).map_or(0, Vector::len);
    let planes = addends.first().map_or(0, |[a, _]| a.len());
    let joined = |side: usize, plane: usize| {
        let parts: Vec<&E::Bits> = addends.iter().filter_map(|pair| pair[side].get(plane)).collect();
        E::Bits::concat(&parts)
    };
    let [mut a, mut b]: [Vec<E::Bits>; 2] = [0, 1].map(|side| (0..planes).map(|plane| joined(side, plane)).collect());
    let (Some(top_a), Some(top_b)) = (a.pop(), b.pop()) else {
        return Err(crate::Error::caller("a number has at least one bit"));
    };
    let top = if a.is_empty() { top_a.xor(&top_b) } else { top_a.xor(&top_b).xor(&carry_out(engine, &a, &b)?) };
    Ok((0..addends.len()).map(|number| top.slice(number * len..(number + 1) * len)).collect())
}

/// Whether values, all of one length, are negative.
///
/// # Errors
/// The engine's.
pub fn negative_words<E: Engine>(engine: &mut E, values: &[&E::Words]) -> Result<Vec<E::Bits>> {
    let addends = engine.addends(values, 64)?;
    negative(engine, &addends)
}

/// Whether `a < b` for unsigned numbers given as planes, lowest first.
///
/// # Errors
/// [`Engine::and`]'s.
pub fn less_than<E: Engine>(engine: &mut E, a: &[E::Bits], b: &[E::Bits]) -> Result<E::Bits> {
    // the highest position where they differ decides: b has the 1 there
    let different: Vec<E::Bits> = a.iter().zip(b).map(|(a, b)| a.xor(b)).collect();
    let pairs: Vec<_> = different.iter().zip(b).collect();
    let generate = engine.and(&pairs)?;
    let propagate = different.iter().skip(1).map(|bits| not(engine, bits)).collect();
    reduce(engine, Ranges { generate, propagate })
}

/// Whether `a < b` for unsigned numbers given as planes, lowest first, of which `b` are public: a round and `w` conjunctions
/// less than [`less_than`].
///
/// # Errors
/// [`Engine::and`]'s.
pub fn less_than_public<E: Engine>(engine: &mut E, a: &[E::Bits], b: &[Packed]) -> Result<E::Bits> {
    let zeros: Vec<E::Bits> = a.iter().map(|bits| not(engine, bits)).collect();
    let generate = zeros.iter().zip(b).map(|(zeros, b)| zeros.mask(b)).collect();
    let propagate = zeros.iter().zip(b).skip(1).map(|(zeros, b)| zeros.xor(&engine.constant_bits(b))).collect();
    reduce(engine, Ranges { generate, propagate })
}

/// Halves the number of ranges until one is left.
fn reduce<E: Engine>(engine: &mut E, mut ranges: Ranges<E::Bits>) -> Result<E::Bits> {
    while ranges.generate.len() > 1 {
        let (generate, propagate) = (&ranges.generate, &ranges.propagate);
        let mut pairs = Vec::with_capacity(generate.len());
        for low in (0..generate.len() - 1).step_by(2) {
            pairs.push((&propagate[low], &generate[low]));
            if low > 0 {
                pairs.push((&propagate[low], &propagate[low - 1]));
            }
        }
        let mut products = engine.and(&pairs)?.into_iter();
        let mut next = Ranges { generate: Vec::new(), propagate: Vec::new() };
        for low in (0..generate.len() - 1).step_by(2) {
            let carried = products.next().map(|carried| carried.xor(&generate[low + 1]));
            next.generate.extend(carried);
            if low > 0 {
                next.propagate.extend(products.next());
            }
        }
        if generate.len() % 2 == 1 {
            next.generate.extend(generate.last().cloned());
            next.propagate.extend(propagate.last().cloned());
        }
        ranges = next;
    }
    ranges.generate.pop().ok_or_else(|| crate::Error::caller("a number has at least one bit"))
}

/// Whether all planes are zero: a tree of `ceil(log2 w)` rounds and `w - 1` conjunctions per element.
///
/// # Errors
/// [`Engine::and`]'s.
pub fn is_zero<E: Engine>(engine: &mut E, planes: &[E::Bits]) -> Result<E::Bits> {
    let mut left: Vec<E::Bits> = planes.iter().map(|plane| not(engine, plane)).collect();
    while left.len() > 1 {
        let spare = if left.len() % 2 == 1 { left.pop() } else { None };
        let pairs: Vec<_> = left.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect();
        let mut next = engine.and(&pairs)?;
        next.extend(spare);
        left = next;
    }
    left.pop().ok_or_else(|| crate::Error::caller("a number has at least one bit"))
}

/// Whether `a + b = 0` modulo `2^w`, without the carries: exactly if bit `i` of `a ^ b` is bit `i - 1` of `a | b` for every `i`.
///
/// (By induction: if the lower bits of the sum are zero, the carry into `i` is bit `i - 1` of `a | b`.) `2w - 2` conjunctions.
///
/// # Errors
/// [`Engine::and`]'s.
pub fn sum_is_zero<E: Engine>(engine: &mut E, a: &[E::Bits], b: &[E::Bits]) -> Result<E::Bits> {
    let halves: Vec<E::Bits> = a.iter().zip(b).map(|(a, b)| a.xor(b)).collect();
    let pairs: Vec<_> = a.iter().zip(b).take(halves.len().saturating_sub(1)).collect();
    let both = engine.and(&pairs)?;
    let mut planes: Vec<E::Bits> = halves.iter().take(1).cloned().collect();
    for ((half, below), both) in halves.iter().skip(1).zip(&halves).zip(&both) {
        planes.push(half.xor(below).xor(both));
    }
    is_zero(engine, &planes)
}

/// All bits of the sum modulo `2^w`, lowest first: `1 + ceil(log2 w)` rounds (Sklansky's prefix adder).
///
/// # Errors
/// [`Engine::and`]'s.
pub fn sum<E: Engine>(engine: &mut E, a: &[E::Bits], b: &[E::Bits]) -> Result<Vec<E::Bits>> {
    let width = a.len().min(b.len());
    let halves: Vec<E::Bits> = a.iter().zip(b).map(|(a, b)| a.xor(b)).collect();
    // the carry out of the highest position is not wanted
    let carries = width.saturating_sub(1);
    let pairs: Vec<_> = a.iter().zip(b).take(carries).collect();
    let mut generate = engine.and(&pairs)?;
    let mut propagate: Vec<E::Bits> = halves.iter().take(carries).cloned().collect();
    let mut span = 1;
    while span < carries {
        // positions with this bit set take over what the highest position of the half below has
        let upper: Vec<usize> = (0..carries).filter(|at| at & span != 0).collect();
        let below = |at: usize| (at & !(span - 1)) - 1;
        let mut pairs = Vec::with_capacity(2 * upper.len());
        for at in &upper {
            pairs.push((&propagate[*at], &generate[below(*at)]));
            if below(*at) >= span {
                pairs.push((&propagate[*at], &propagate[below(*at)]));
            }
        }
        let mut products = engine.and(&pairs)?.into_iter();
        for at in &upper {
            if let Some(carried) = products.next() {
                generate[*at] = generate[*at].xor(&carried);
            }
            if below(*at) >= span
                && let Some(both) = products.next()
            {
                propagate[*at] = both;
            }
        }
        span *= 2;
    }
    let mut bits = Vec::with_capacity(width);
    for (at, half) in halves.iter().enumerate() {
        bits.push(if at == 0 { half.clone() } else { half.xor(&generate[at - 1]) });
    }
    Ok(bits)
}

/// For each position whether it holds the highest 1 of a number given as planes, lowest first: `ceil(log2 w)` rounds.
///
/// # Errors
/// [`Engine::and`]'s.
pub fn leading_one<E: Engine>(engine: &mut E, planes: &[E::Bits]) -> Result<Vec<E::Bits>> {
    // from the top: whether this plane and all above are zero
    let mut zero: Vec<E::Bits> = planes.iter().rev().map(|plane| not(engine, plane)).collect();
    let mut span = 1;
    while span < zero.len() {
        let lower: Vec<usize> = (0..zero.len()).filter(|at| at & span != 0).collect();
        let pairs: Vec<_> = lower.iter().map(|at| (&zero[*at], &zero[(at & !(span - 1)) - 1])).collect();
        let products = engine.and(&pairs)?;
        for (at, product) in lower.into_iter().zip(products) {
            zero[at] = product;
        }
        span *= 2;
    }
    let mut leading = Vec::with_capacity(zero.len());
    for (at, below) in zero.iter().enumerate() {
        leading.push(if at == 0 { not(engine, below) } else { zero[at - 1].xor(below) });
    }
    leading.reverse();
    Ok(leading)
}

/// Negated bits.
pub fn not<E: Engine>(engine: &E, bits: &E::Bits) -> E::Bits {
    bits.xor(&engine.constant_bits(&Packed::ones(bits.len())))
}
