//! The catalogue of operations: what the conformance suite checks, the dry run prices and the bench table measures, each by
//! the same code.
//!
//! An operation enters the catalogue by a unit struct that implements [`Program`] and a line in [`with_programs`](crate::with_programs).

mod arithmetic;
mod compare;
mod learn;
mod numeric;
mod statistics;
mod table;
mod views;

pub use arithmetic::*;
pub use compare::*;
pub use learn::*;
pub use numeric::*;
pub use statistics::*;
pub use table::*;
pub use views::*;

use rand::Rng;

use crate::Result;
use crate::engine::Engine;

/// What a program computes: vectors of words, or of bits.
pub enum Output<E: Engine> {
    /// Ring elements.
    Words(E::Words),
    /// Bits.
    Bits(E::Bits),
}

/// One operation of the catalogue on vectors of `n` elements (or what its description says).
pub trait Program: Sync {
    /// Its name on command lines and in tables.
    const NAME: &'static str;

    /// Units in the last place by which engines may differ from [`crate::clear::Clear`].
    const TOLERANCE: u64 = 0;

    /// Input vectors for size `n`, edge values included. Vector `j` belongs to party `j` modulo the number of parties.
    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>>;

    /// Runs it.
    ///
    /// # Errors
    /// The engine's.
    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>>;
}

/// Does something with a program that was chosen by name.
pub trait Visitor {
    /// What comes out.
    type Out;

    /// Called with the program.
    fn visit<P: Program>(&mut self, program: &P) -> Self::Out;
}

/// Calls a macro with the identifiers of all programs: struct and test name.
#[macro_export]
macro_rules! with_programs {
    ($call:ident $(, $argument:tt)*) => {
        $call! { [$($argument),*]
            Add add, Linear linear, Views views, Subtract subtract, Negate negate, Sum sum, Mean mean, PrefixSum prefix_sum, Multiply multiply, MultiplyFixed multiply_fixed, Dot dot, MatrixProduct matrix_product, Truncate truncate,
            TruncateProbabilistic truncate_probabilistic,
            Less less, Equal equal, Minimum minimum, Maximum maximum, Absolute absolute, Rectify rectify, Clamp clamp, Select select,
            BitLogic bit_logic,
            ToBits to_bits, FromBits from_bits, Inject inject, Sign sign, ArgMaximum arg_maximum,
            Sigmoid sigmoid, Reciprocal reciprocal, Divide divide, SquareRoot square_root, InverseRoot inverse_root,
            Exponential exponential, Logarithm logarithm, Softmax softmax,
            LogisticRegression logistic_regression, LogisticTraining logistic_training, LinearRegression linear_regression, PoissonRegression poisson_regression, Clusters clusters,
            Moments moments,
            Shuffle shuffle, Permute permute, Sort sort, SortTable sort_table, Partition partition, GroupBy group_by, GroupMean group_mean, Join join, Top top,
            Quantiles quantiles, Histogram histogram, Categories categories, ByCategory by_category, Distinct distinct,
        }
    };
}

macro_rules! catalogue {
    ([] $($program:ident $test:ident,)*) => {
        /// Names of all programs.
        pub const NAMES: &[&str] = &[$(<$program as Program>::NAME,)*];

        /// Hands the program of this name to the visitor; `None` if there is none.
        pub fn by_name<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Out> {
            match name {
                $(<$program as Program>::NAME => Some(visitor.visit(&$program)),)*
                _ => None,
            }
        }
    };
}
with_programs!(catalogue);
