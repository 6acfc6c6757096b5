//! The primitives as data: what a dry run records and a price list knows.

use super::{Engine, ProductShape, Way};
use crate::cost::Formula;

/// A primitive with its sizes. Bits count in words of 64, each vector rounded up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Primitive {
    /// [`Engine::input`]: elements of each party.
    Input(Vec<usize>),
    /// [`Engine::input_bits`]: words of each party.
    InputBits(Vec<usize>),
    /// [`Engine::multiply`].
    Multiply {
        /// Elements of all results.
        len: usize,
        /// Elements of all operands, left and right: what engines that open masked operands send.
        operands: usize,
        /// Bits cut.
        shift: u32,
        /// Sizes of each product, in order: what engines that check them send depends on how their operands meet.
        shapes: Vec<ProductShape>,
    },
    /// [`Engine::multiply_halves`] and the products with known matrices, of an engine that [has them](Priced::HALVES).
    MultiplyHalves {
        /// Elements of all results.
        len: usize,
    },
    /// [`Engine::share_known`] of such an engine: elements of each party, the rows filled up to blocks.
    ShareKnown(Vec<usize>),
    /// [`Engine::truncate`].
    Truncate {
        /// Elements.
        len: usize,
        /// Bits cut.
        shift: u32,
    },
    /// [`Engine::truncate_probabilistic`] of an engine that [has it](Priced::TRUNCATES_CHEAPLY).
    TruncateProbabilistic {
        /// Elements.
        len: usize,
    },
    /// [`Engine::and`].
    And {
        /// Words of all results.
        words: usize,
    },
    /// [`Engine::addends`].
    Addends {
        /// Words of all planes of one of the two addends.
        words: usize,
    },
    /// [`Engine::lift`].
    Lift {
        /// Bits of all vectors, not rounded.
        len: usize,
    },
    /// [`Engine::inject`].
    Inject {
        /// Elements.
        len: usize,
    },
    /// [`Engine::draw_shuffle`].
    DrawShuffle {
        /// Rows.
        len: usize,
    },
    /// [`Engine::shuffle`].
    Shuffle {
        /// Elements of all columns.
        len: usize,
        /// In which direction.
        way: Way,
    },
    /// [`Engine::open`].
    Open {
        /// Elements.
        len: usize,
    },
    /// [`Engine::open_bits`].
    OpenBits {
        /// Words.
        words: usize,
    },
    /// [`Engine::verify`].
    Verify,
}

/// An engine whose messages are known before it runs.
pub trait Priced: Engine {
    /// Whether [`Engine::verify`] does anything, so that it runs before every opening.
    const CHECKS: bool = false;

    /// Whether [`Engine::addends_at`] leaves out the planes below the range; as provided, it does not.
    const LOW_PLANES_ARE_FREE: bool = false;

    /// Whether [`Engine::truncate_probabilistic`] is another operation than [`Engine::truncate`]; as provided, it is not.
    const TRUNCATES_CHEAPLY: bool = false;

    /// Whether products modulo 2^32 and with known matrices are operations of their own; as provided, they are not.
    const HALVES: bool = false;

    /// Messages of the set-up, `parties` named in order.
    fn price_of_setup(parties: &[&str]) -> Formula;

    /// Messages of one primitive, those without payload left out; `None` for an [`Primitive::Inject`] that is put together of the others. `before` are the
    /// primitives since the last [`Primitive::Verify`]: a check may cost in their sizes.
    fn price(primitive: &Primitive, before: &[Primitive], parties: &[&str]) -> Option<Formula>;
}
