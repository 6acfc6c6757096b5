//! AMX: products of bytes, 16 x 16 sums of 64 terms by one instruction.
//!
//! With the bytes `x_i` of `x` and `y_j` of `y`, `x y mod 2^64` is the sum of `x_i y_j 2^(8 (i+j))` over `i + j < 8`: 36 products of bytes
//! instead of one of words, and still several times faster than 64-bit multiplication. For each `s = i + j` the sums over all `i`
//! and over the depth are made in 32 bits, exactly: `8 * DEPTH * 255^2 < 2^32`. A tile of the result is 16 x 16, and four values of
//! `s` at once have their sums in registers, so that each tile that is loaded serves several products.
//!
//! The kernel of the system gives the tile registers only to a process that asks (Linux); otherwise the other kernels work.
#![cfg_attr(
    all(target_arch = "x86_64", target_os = "linux"),
    expect(unsafe_code, reason = "instructions without stable intrinsics; safe wrapper, portable twin, tests compare both")
)]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(super) const fn is_available() -> bool {
    false
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(super) fn multiply_add(
    _: &mut ndarray::ArrayViewMut2<'_, u64>,
    _: ndarray::ArrayView2<'_, u64>,
    _: ndarray::ArrayView2<'_, u64>,
) -> bool {
    false
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) use x86::{is_available, multiply_add};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    use std::sync::LazyLock;

    use ndarray::parallel::prelude::*;
    use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

    use crate::memory::{collect, give, zeros};

    /// Columns of `A` per block.
    const DEPTH: usize = 512;
    const _: () = assert!(8 * DEPTH as u64 * 255 * 255 < 1 << 32);
    /// Rows of `A` per block: 128 x 512 elements, 512 KiB, and a strip of `B`, 64 KiB, stay in the second-level cache; also the
    /// unit of parallel work.
    const ROWS: usize = 128;
    /// Rows and columns of a tile of the result.
    const SIDE: usize = 16;
    /// Terms of one instruction.
    const STEP: usize = 64;
    /// Bytes of a word.
    const LIMBS: usize = 8;
    /// Words of a tile register: 16 x 64 bytes.
    const REGISTER: usize = 128;
    /// Sums of one register.
    const SUMS: usize = SIDE * SIDE;
    /// Below it, in each direction, packing costs more than it brings.
    const WORTH: usize = 24;

    /// Whether CPU and system have the tiles; asks the system once.
    pub(in super::super) fn is_available() -> bool {
        static PERMITTED: LazyLock<bool> = LazyLock::new(|| has_instructions() && permit());
        *PERMITTED
    }

    fn has_instructions() -> bool {
        // leaf 7: bit 24 AMX-TILE, bit 25 AMX-INT8
        __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx >> 24 & 3 == 3 && is_x86_feature_detected!("avx512f")
    }

    /// Asks Linux for the tile registers: `arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`.
    fn permit() -> bool {
        let result: isize;
        // SAFETY: the system call 158 takes two numbers and touches no memory of ours; `syscall` overwrites rcx and r11.
        unsafe {
            asm!("syscall", inlateout("rax") 158isize => result, in("rdi") 0x1023, in("rsi") 18, lateout("rcx") _, lateout("r11") _, options(nostack));
        }
        result == 0
    }

    /// `c += a b`; `false` if nothing was done because other kernels are better at it. Shapes are checked.
    pub(in super::super) fn multiply_add(c: &mut ArrayViewMut2<'_, u64>, a: ArrayView2<'_, u64>, b: ArrayView2<'_, u64>) -> bool {
        if !is_available() || a.nrows() < WORTH || b.ncols() < WORTH || a.ncols() < STEP {
            return false;
        }
        for start in (0..a.ncols()).step_by(DEPTH) {
            let end = a.ncols().min(start + DEPTH);
            let b = Limbs::of_columns(b.slice(s![start..end, ..]));
            let a = a.slice(s![.., start..end]);
            let parts = c.axis_chunks_iter_mut(Axis(0), ROWS).into_par_iter();
            parts.zip(a.axis_chunks_iter(Axis(0), ROWS)).for_each(|(c, a)| block(c, a, &b));
        }
        true
    }

    fn block(mut c: ArrayViewMut2<'_, u64>, a: ArrayView2<'_, u64>, b: &Limbs) {
        let a = Limbs::of_rows(a);
        let mut sums = [0u32; 4 * SUMS];
        let mut out = [0u64; SUMS];
        for (b, mut c) in b.strips().zip(c.axis_chunks_iter_mut(Axis(1), SIDE)) {
            for (a, mut c) in a.strips().zip(c.axis_chunks_iter_mut(Axis(0), SIDE)) {
                out.fill(0);
                for half in [Half::Low, Half::High] {
                    products(a, b, half, &mut sums);
                    fold(&mut out, &sums, half);
                }
                for (mut row, sums) in c.rows_mut().into_iter().zip(out.chunks_exact(SIDE)) {
                    match row.as_slice_mut() {
                        Some(row) => crate::ring::add_assign(row, sums),
                        None => row.iter_mut().zip(sums).for_each(|(slot, sum)| *slot = slot.wrapping_add(*sum)),
                    }
                }
            }
        }
        crate::engine::wipe(&mut out);
        sums.fill(0);
        std::hint::black_box(&mut sums);
    }

    /// Which four values of `i + j`.
    #[derive(Clone, Copy)]
    enum Half {
        /// 0 to 3.
        Low,
        /// 4 to 7.
        High,
    }

    /// Adds the sums of four values of `i + j`, one register after the other.
    fn fold(out: &mut [u64; SUMS], sums: &[u32; 4 * SUMS], half: Half) {
        assert!(is_available(), "a CPU with AMX has AVX-512");
        // SAFETY: `is_available` found AVX-512 F.
        unsafe {
            match half {
                Half::Low => fold_avx512::<0>(out, sums),
                Half::High => fold_avx512::<32>(out, sums),
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    fn fold_avx512<const SHIFT: u32>(out: &mut [u64; SUMS], sums: &[u32; 4 * SUMS]) {
        let (first, rest) = sums.split_at(SUMS);
        let (second, rest) = rest.split_at(SUMS);
        let (third, fourth) = rest.split_at(SUMS);
        for ((((slot, first), second), third), fourth) in out.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
            let [first, second, third, fourth] = [first, second, third, fourth].map(|sum| u64::from(*sum));
            let sum = first.wrapping_add(second << 8).wrapping_add(third << 16).wrapping_add(fourth << 24);
            *slot = slot.wrapping_add(sum << SHIFT);
        }
    }

    /// Byte planes of a block, strip by strip (16 rows of `A` or columns of `B`): step of 64 terms, then byte, each one
    /// register.
    struct Limbs {
        planes: Vec<u64>,
        steps: usize,
    }

    impl Limbs {
        fn empty(depth: usize, width: usize) -> Self {
            let steps = depth.div_ceil(STEP);
            Self { planes: zeros(width.div_ceil(SIDE) * LIMBS * steps * REGISTER), steps }
        }

        /// Rows: a register holds 16 rows of 64 terms.
        fn of_rows(a: ArrayView2<'_, u64>) -> Self {
            let mut limbs = Self::empty(a.ncols(), a.nrows());
            let strip = limbs.strip();
            for (number, row) in a.rows().into_iter().enumerate() {
                let place = number % SIDE * 8;
                let planes = &mut limbs.planes[number / SIDE * strip..];
                let mut terms = row.iter();
                for group in 0..a.ncols().div_ceil(8) {
                    let words = std::array::from_fn(|_| terms.next().copied().unwrap_or(0));
                    let at = group / 8 * LIMBS * REGISTER + place + group % 8;
                    for (limb, bytes) in turn_bytes(words).into_iter().enumerate() {
                        planes[limb * REGISTER + at] = bytes;
                    }
                }
            }
            limbs
        }

        /// Columns: a register holds 16 groups of 4 terms of 16 columns.
        fn of_columns(b: ArrayView2<'_, u64>) -> Self {
            let mut limbs = Self::empty(b.nrows(), b.ncols());
            let strip = limbs.strip();
            let copied = if b.is_standard_layout() { Vec::new() } else { collect(b.len(), b.iter().copied()) };
            let (all, width) = (b.as_slice().unwrap_or(&copied), b.ncols());
            for group in 0..b.nrows().div_ceil(4) {
                let rows: [&[u64]; 4] = std::array::from_fn(|row| {
                    let from = (4 * group + row) * width;
                    all.get(from..from + width).unwrap_or(&[])
                });
                let inner = group / 16 * LIMBS * REGISTER + group % 16 * 8;
                for pair in 0..width.div_ceil(2) {
                    let word = |at: usize| rows[at % 4].get(2 * pair + at / 4).copied().unwrap_or(0);
                    let column = 2 * pair;
                    let at = column / SIDE * strip + inner + column % SIDE / 2;
                    for (limb, bytes) in turn_bytes(std::array::from_fn(word)).into_iter().enumerate() {
                        limbs.planes[limb * REGISTER + at] = bytes;
                    }
                }
            }
            give(copied);
            limbs
        }

        const fn strip(&self) -> usize {
            LIMBS * self.steps * REGISTER
        }

        fn strips(&self) -> impl Iterator<Item = &[u64]> {
            self.planes.chunks_exact(self.strip())
        }
    }

    /// Packed blocks hold shares.
    impl Drop for Limbs {
        fn drop(&mut self) {
            give(std::mem::take(&mut self.planes));
        }
    }

    /// Byte `m` of result `j` is byte `j` of word `m`.
    #[inline(always)]
    fn turn_bytes(mut words: [u64; 8]) -> [u64; 8] {
        for (span, mask) in [(4, 0x0000_0000_ffff_ffff_u64), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
            for low in 0..8usize {
                if low & span == 0 {
                    let swap = ((words[low] >> (8 * span)) ^ words[low + span]) & mask;
                    words[low] ^= swap << (8 * span);
                    words[low + span] ^= swap;
                }
            }
        }
        words
    }

    /// Eight registers of 16 rows of 64 bytes.
    #[repr(C, align(64))]
    struct Config([u8; 64]);

    static CONFIG: Config = {
        let mut config = [0; 64];
        config[0] = 1;
        let mut register = 0;
        while register < 8 {
            config[16 + 2 * register] = 64;
            config[48 + register] = 16;
            register += 1;
        }
        Config(config)
    };

    /// For one strip of each: `out[s] = sum over i of a_i b_(s - i)` for four values of `s`.
    fn products(a: &[u64], b: &[u64], half: Half, out: &mut [u32; 4 * SUMS]) {
        let steps = a.len() / (LIMBS * REGISTER);
        assert!(is_available(), "tile registers");
        assert!(steps > 0 && a.len() == steps * LIMBS * REGISTER && b.len() == a.len(), "strips of whole steps");
        // SAFETY: AMX is there and permitted. The strips have `steps` times eight registers of 1024 bytes (asserted), which are
        // what is read; four registers are written to `out`, which has 4096 bytes. Tile registers are used by nothing else and released.
        match half {
            Half::Low => unsafe { low(a.as_ptr(), b.as_ptr(), steps, out.as_mut_ptr()) },
            Half::High => unsafe { high(a.as_ptr(), b.as_ptr(), steps, out.as_mut_ptr()) },
        }
    }

    /// The ten products with `i + j` from 0 to 3.
    ///
    /// # Safety
    /// `a` and `b` have `steps` times 8192 bytes, `steps` is not 0, `out` has 4096 bytes, AMX is available.
    #[rustfmt::skip]
    unsafe fn low(a: *const u64, b: *const u64, steps: usize, out: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tileloadd tmm5, [{b} + {stride}*1]",
                "tdpbuud tmm0, tmm4, tmm5",
                "tileloadd tmm6, [{b} + {stride}*1 + 1024]",
                "tdpbuud tmm1, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {stride}*1 + 2048]",
                "tdpbuud tmm2, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 1024]",
                "tdpbuud tmm1, tmm4, tmm5",
                "tdpbuud tmm2, tmm4, tmm6",
                "tdpbuud tmm3, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 2048]",
                "tdpbuud tmm2, tmm4, tmm5",
                "tdpbuud tmm3, tmm4, tmm6",
                "tileloadd tmm4, [{a} + {stride}*1 + 3072]",
                "tdpbuud tmm3, tmm4, tmm5",
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tileloadd tmm5, [{b} + {stride}*1 + 3072]",
                "tdpbuud tmm3, tmm4, tmm5",
                "add {a}, 8192",
                "add {b}, 8192",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{out} + {stride}*1], tmm0",
                "tilestored [{out} + {stride}*1 + 1024], tmm1",
                "tilestored [{out} + {stride}*1 + 2048], tmm2",
                "tilestored [{out} + {stride}*1 + 3072], tmm3",
                "tilerelease",
                config = in(reg) &raw const CONFIG,
                a = inout(reg) a => _,
                b = inout(reg) b => _,
                steps = inout(reg) steps => _,
                out = in(reg) out,
                stride = in(reg) 64usize,
                options(nostack),
            );
        }
    }

    /// The twenty-six products with `i + j` from 4 to 7.
    ///
    /// # Safety
    /// `a` and `b` have `steps` times 8192 bytes, `steps` is not 0, `out` has 4096 bytes, AMX is available.
    #[rustfmt::skip]
    unsafe fn high(a: *const u64, b: *const u64, steps: usize, out: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm5, [{b} + {stride}*1]",
                "tileloadd tmm6, [{b} + {stride}*1 + 1024]",
                "tileloadd tmm7, [{b} + {stride}*1 + 2048]",
                "tileloadd tmm4, [{a} + {stride}*1 + 2048]",
                "tdpbuud tmm0, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 3072]",
                "tdpbuud tmm0, tmm4, tmm6",
                "tdpbuud tmm1, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 4096]",
                "tdpbuud tmm0, tmm4, tmm5",
                "tdpbuud tmm1, tmm4, tmm6",
                "tdpbuud tmm2, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 5120]",
                "tdpbuud tmm1, tmm4, tmm5",
                "tdpbuud tmm2, tmm4, tmm6",
                "tdpbuud tmm3, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 6144]",
                "tdpbuud tmm2, tmm4, tmm5",
                "tdpbuud tmm3, tmm4, tmm6",
                "tileloadd tmm4, [{a} + {stride}*1 + 7168]",
                "tdpbuud tmm3, tmm4, tmm5",
                "tileloadd tmm5, [{b} + {stride}*1 + 3072]",
                "tileloadd tmm6, [{b} + {stride}*1 + 4096]",
                "tileloadd tmm7, [{b} + {stride}*1 + 5120]",
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tdpbuud tmm0, tmm4, tmm6",
                "tdpbuud tmm1, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 1024]",
                "tdpbuud tmm0, tmm4, tmm5",
                "tdpbuud tmm1, tmm4, tmm6",
                "tdpbuud tmm2, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 2048]",
                "tdpbuud tmm1, tmm4, tmm5",
                "tdpbuud tmm2, tmm4, tmm6",
                "tdpbuud tmm3, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 3072]",
                "tdpbuud tmm2, tmm4, tmm5",
                "tdpbuud tmm3, tmm4, tmm6",
                "tileloadd tmm4, [{a} + {stride}*1 + 4096]",
                "tdpbuud tmm3, tmm4, tmm5",
                "tileloadd tmm6, [{b} + {stride}*1 + 6144]",
                "tileloadd tmm7, [{b} + {stride}*1 + 7168]",
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tdpbuud tmm2, tmm4, tmm6",
                "tdpbuud tmm3, tmm4, tmm7",
                "tileloadd tmm4, [{a} + {stride}*1 + 1024]",
                "tdpbuud tmm3, tmm4, tmm6",
                "add {a}, 8192",
                "add {b}, 8192",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{out} + {stride}*1], tmm0",
                "tilestored [{out} + {stride}*1 + 1024], tmm1",
                "tilestored [{out} + {stride}*1 + 2048], tmm2",
                "tilestored [{out} + {stride}*1 + 3072], tmm3",
                "tilerelease",
                config = in(reg) &raw const CONFIG,
                a = inout(reg) a => _,
                b = inout(reg) b => _,
                steps = inout(reg) steps => _,
                out = in(reg) out,
                stride = in(reg) 64usize,
                options(nostack),
            );
        }
    }
}
