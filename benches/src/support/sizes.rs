//! Sizes, the same in all benches. Quick by default: a bench that takes minutes is not run.

/// Keys per side of an alignment in the criterion benches.
pub const PSI_KEYS: usize = 1 << 10;
/// Elements of a shared vector: 32 frames, more than any cache of one core.
pub const VECTOR: usize = 1 << 20;
/// Rows and columns of a shared square matrix in the criterion benches.
pub const MATRIX: usize = 256;
/// Rows and columns of square matrices for the kernels.
pub const KERNEL: [usize; 2] = [128, 512];
/// Bytes of a message: a share of a small result, one full frame, a large result.
pub const MESSAGES: [usize; 3] = [1 << 10, 1 << 18, 1 << 22];
/// Fraction bits of fixed-point numbers.
pub const FRACTION: u32 = 16;
/// Columns of each side of the joint statistics.
pub const COLUMNS: usize = 12;
/// Categories of the grouping column of the left side.
pub const GROUPS: usize = 4;
