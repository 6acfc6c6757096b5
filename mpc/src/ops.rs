//! Operations on secret arrays, written once for every engine.
//!
//! | file | operations |
//! |---|---|
//! | [`circuit`] | carries, sums and comparisons of bit planes |
//! | [`compare`] | sign, less than, equality, minimum, maximum, absolute value |

pub mod circuit;
pub mod compare;
