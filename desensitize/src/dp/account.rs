//! Accountants: how much privacy a whole computation costs (隐私核算).
//!
//! | to see | open |
//! |---|---|
//! | Rényi curves, composition, conversion | [`rdp`] |
//! | privacy loss distributions: tighter, slower | [`pld`] |
//! | exact Gaussian mechanism, noise for a target | [`calibrate`] |
//!
//! All take noise of real-valued Gaussian or Laplace, record add/remove adjacency, sampling by independent coins (Poisson).
//! **Not covered:** fixed-size batches or shuffling in place of coins, which need another analysis; do not use these numbers
//! for them. Sums run in double precision: results are upper bounds up to about 1e-10 of rounding, which is why the
//! distribution accountant refuses a delta below 1e-10.

pub mod calibrate;
mod fft;
pub mod pld;
pub mod rdp;
