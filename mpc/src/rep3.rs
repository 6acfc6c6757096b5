//! Replicated secret sharing among three parties over Z_2^64 (秘密分享).
//!
//! **What it computes.** Sums, products and matrix products of shared integers and fixed-point numbers. A value `x` is
//! `x_0 + x_1 + x_2 mod 2^64`; party `P_i` holds `(x_i, x_{i+1})`, indices modulo 3.
//!
//! **Parties and what each learns.** Three computing parties. None learns anything beyond the shapes; an
//! [opening](Context::open_to_all) tells all, a [sealed output](Context::seal_output) tells the recipient only.
//!
//! **Adversary.** Semi-honest, one corruption (t = 1 of n = 3), static. Computational only through the PRG (AES-128 as PRF)
//! and, for outputs, HPKE.
//!
//! **Paper.** Araki, Furukawa, Lindell, Nof, Ohara: High-Throughput Semi-Honest Secure Three-Party Computation with an
//! Honest Majority, CCS 2016, eprint 2016/768, Protocol 1 (shares of zero, section 2.2).
//!
//! **How we deviate.** The paper's shares are `(x_i, x_{i-1} - x_i)`; ours are the plain replicated ones, as in the ABY3 line
//! of work, with the same cost. Shares of zero are `alpha_i = F(k_i) - F(k_{i+1})`, where `P_i` chooses `k_i` and `P_{i-1}` holds it
//! too (the paper's correlated-randomness step with the opposite direction of numbering). Inputs use a PRG for one
//! component and zero for another. Truncation is our own; see below.
//!
//! **Rounds and bytes** for `n` elements, without frame headers, per message and summed over all parties:
//!
//! | operation | rounds | who sends what | total |
//! |---|---:|---|---:|
//! | set-up | 1 | each 32 to its predecessor | 96 |
//! | input | 1 | owner `8n` to its successor | 8n |
//! | product (element-wise or matrix) | 1 | each `8n` to its predecessor | 24n |
//! | product and truncation by `F` bits (of [wide matrices](#matrices-that-are-cut) `F + 1`) | 2 | `8n`: P0 to P1, P1 to P0, P2 to P1; `ceil(nF/8)`: P2 to P1, P0 to P2, P1 to P2 | 24n + 3 ceil(nF/8) |
//! | truncation alone | 2 | same | same |
//! | [truncation by name](#truncation-by-name) | 1 | `8n`: P0 to P1, P1 to P0, P2 to P1 | 24n |
//! | product modulo 2^32, also with a known matrix | 1 | each `4n` to its predecessor | 12n |
//! | known matrix of `n` elements, rows filled up to 8 | 1 | owner `4n` to its successor | 4n |
//! | open to all | 1 | each `8n` to its successor | 24n |
//! | sum, product with a public number | 0 | - | 0 |
//!
//! **Truncation** with an error below one unit in the last place, always, for `|z| < 2^62`. With additive shares `z_i` of `z`,
//! masked by a share of zero: P0 and P1 exchange theirs and know `c = z_0 + z_1 + 2^62`; P2 knows `r = -z_2`.
//! Then `x' = z + 2^62 = c - r + w 2^64` over the integers with `0 < x' < 2^63`, and
//! `w = msb(r) (1 - msb(c))`: if `c < r`, then `r - c > 2^63`, so `msb(r) = 1` and `msb(c) = 0`; if `c >= r`, then
//! `c - r < 2^63`, which excludes `msb(r) = 1, msb(c) = 0`. The result
//! `y = (c >> F) - (r >> F) + w 2^(64-F) - 2^(62-F)` differs from `z / 2^F` by `((r mod 2^F) - (c mod 2^F)) / 2^F`, so by less than 1.
//! - `y_1 = (c >> F) - 2^(62-F) - (rho + rho') 2^(64-F)`: P0 and P1, masks from `k_1`.
//! - `s = -(r >> F)` and `t = msb(r)` (in Z_{2^F}) are split by P2: `s_0, t_0` from `k_0` (P0, P2), the rest goes to P1.
//! - `v_0 = (1 - msb(c)) t_0 + rho` from P0 and `v_2 = (1 - msb(c)) t_2 + rho'` from P1 go to P2, `F` bits each.
//! - `y_0 = s_0 + v_0 2^(64-F)` (P2, P0), `y_2 = s_2 + v_2 2^(64-F)` (P1, P2).
//!
//! Each message is uniform to its receiver: `z_1` is masked by `k_2` that P0 lacks, `z_0` by `k_0` that P1 lacks, `s_2` and `t_2` by `k_0`,
//! `v_0` and `v_2` by `k_1` that P2 lacks.
//!
//! # Matrices that are cut
//!
//! A product takes two local products a party. Forms of rank one would take one: for `T_0 = (2 x_0 + x_1) (2 y_0 + y_1)`,
//! `T_1 = (x_1 + 2 x_2) (y_1 + 2 y_2)`, `T_2 = -2 (x_2 - x_0) (y_2 - y_0)` the sum is `2 x y`: mixed terms come twice, `x_0 y_0` as `4 - 2`, `x_1 y_1` as
//! `1 + 1`, `x_2 y_2` as `4 - 2`. (Coefficients `t, 1/t` that add up to one around the ring exist for `t = 2, -1, 1/2` only up to this factor of 2,
//! since `t` and `1 - t` cannot both be odd.) Where the product is cut by `F` bits anyway, cutting `2 x y` by `F + 1` gives the same result at half
//! the work; it has to stay below `2^61`. Masked by the same shares of zero, the messages have the same distribution.
//!
//! # Truncation by name
//!
//! [`Engine::truncate_probabilistic`](crate::engine::Engine::truncate_probabilistic) leaves out `w`: one round and `24n` bytes instead of two and
//! `24n + 3 ceil(nF/8)`. For values `|x| < 2^l` it computes this ideal functionality:
//!
//! 1. Draw `r` uniformly from Z_2^64, let `c = x + 2^l + r mod 2^64` and `y = (c >> F) - (r >> F) - 2^(l-F) mod 2^64`.
//! 2. Give P0 and P1 `c`, P2 `r`, and everybody fresh shares of `y`.
//!
//! If `c` did not wrap, `y` is `x / 2^F` with an error below one unit; it wraps with probability `(x + 2^l) / 2^64 < 2^(l-63)`, and then `y` is
//! off by `2^(64-F)`: `2^-39` for numbers of 24 bits, but every second time for numbers of 62. *Leakage:* `c` and `r` alone are
//! uniform, so nobody learns anything about `x`; but a party that later learns `y` (or anything opened that depends on how it was
//! rounded) learns with `c` or `r` whether `c mod 2^F < r mod 2^F` and whether there was a wrap, so a bound on the bits that were cut. Only
//! values that no computing party ever learns should be cut in this way. Compare ABY3 (Mohassel, Rindal, CCS 2018, section 5.1) and
//! SecureML (S&P 2017, section 4.1), whose local truncation wraps in the same way; deviation: the offset `2^l` makes negative numbers wrap no
//! more often than positive ones. On [`Malicious`] it is the exact truncation.
//!
//! **What is not protected.** Shapes, number and order of operations, timing of the network. A party that deviates can
//! change results unnoticed (no active security; wrong lengths, steps and orders are noticed). The rounding of a
//! truncated value depends on `c mod 2^F` and `r mod 2^F`: whoever learns the value *and* is P2 (which knows `r`) or P0 or P1 (which
//! know `c`) learns one comparison about the bits below the last place. A pure recipient does not: `c >> F` is uniform and
//! independent of the value and its rounding. So truncated values are meant for recipients that do not compute.

pub mod context;
pub mod malicious;
pub mod open;
pub mod output;
pub mod share;
pub mod steps;

mod addends;
mod blocks;
mod engine;
mod input;
mod kernel;
mod known;
mod matmul;
mod mul;
mod packing;
mod price;
mod products;
mod shuffle;
mod trunc;

pub use context::{Context, PARTIES};
pub use malicious::Malicious;
pub use open::Opened;
pub use output::{SealedShare, reconstruct};
pub use share::Share;
pub use shuffle::Shuffle;
pub use steps::Rep3Step;
