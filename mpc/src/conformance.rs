//! The suite that every engine passes, those written outside this crate too.
//!
//! An engine's tests implement [`Harness`], which says how a party joins a session, and call
//! [`conformance!`](crate::conformance!). That makes tests of
//! - each program of the [catalogue](crate::programs): it runs on the engine and on [`Clear`](crate::clear::Clear), the results
//!   agree, and the meters show exactly what the dry run predicted;
//! - each primitive by itself: several operands of different lengths in one call, nothing at all, operands that do not fit, bits of
//!   all owners, permutations there and back;
//! - the bench table: CPU seconds, bytes and rounds of each program ([`table`] for a binary).
//!
//! `docs/add-a-protocol.md` is the guide.

mod bench;
mod check;
mod primitives;
mod run;

pub use bench::{Row, Table, measure, print_table, table};
pub use check::{SIZES, check, price, share};
pub use primitives::{check_bits_in, check_known, check_misfits, check_nothing, check_rounding, check_shuffle, check_together};
pub use run::{Harness, Seat, run};

/// The suite for one harness; call it in a module of its own.
///
/// ```text
/// mod conformance {
///     use super::MyHarness;
///     yu_mpc::conformance!(MyHarness);
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($harness:ident) => {
        use $crate::conformance_tests;
        $crate::with_programs!(conformance_tests, $harness);

        $crate::conformance_test!(several_operands_in_one_call, $crate::conformance::check_together::<$harness>());
        $crate::conformance_test!(rounding_in_one_call, $crate::conformance::check_rounding::<$harness>());
        $crate::conformance_test!(nothing_at_all, $crate::conformance::check_nothing::<$harness>());
        $crate::conformance_test!(misfits_are_refused, $crate::conformance::check_misfits::<$harness>());
        $crate::conformance_test!(bits_of_all_owners, $crate::conformance::check_bits_in::<$harness>());
        $crate::conformance_test!(matrices_that_one_party_knows, $crate::conformance::check_known::<$harness>());
        $crate::conformance_test!(permutations_there_and_back, $crate::conformance::check_shuffle::<$harness>());
        $crate::conformance_test!(bench_table, $crate::conformance::print_table::<$harness>());
    };
}

/// One test a program; use [`conformance!`](crate::conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ([$harness:tt] $($program:ident $test:ident,)*) => {
        $(
            $crate::conformance_test!(
                $test,
                $crate::conformance::check::<$harness>(<$crate::programs::$program as $crate::programs::Program>::NAME)
            );
        )*
    };
}

/// A test that fails with the sentence that a check returns; use [`conformance!`](crate::conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_test {
    ($test:ident, $check:expr) => {
        #[test]
        fn $test() {
            if let Err(what) = $check {
                panic!("{what}");
            }
        }
    };
}
