//! Smaller updates: fewer bits a value, fewer values (更新压缩).
//!
//! | to see | open |
//! |---|---|
//! | 2 to 24 bits a value, sums that can be decoded | [`Quantiser`] |
//! | only some values, the rest later | [`TopK`] |
//!
//! Bytes of an update of d values, without frames: `8 d` as doubles; `ceil(d b / 8)` quantised to b bits; `k (8 + 4)` for a party's own
//! k largest; `8 k`, or `ceil(k b / 8)` quantised, for k places that all parties know.

mod quantise;
mod sparse;

pub use quantise::{Quantiser, Segment};
pub use sparse::{Choice, Sparse, TopK};
