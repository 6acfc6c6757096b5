//! AES-128 in counter mode with VAES: four blocks to a register, eight registers in flight, and the result goes from the
//! registers to where it is wanted. The portable twin is the `aes` crate, which uses the CPU's AES instructions too, but goes through
//! memory twice.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

/// What happens to the elements that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Overwrite,
    Subtract,
    Xor,
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) struct Schedule;

#[cfg(not(target_arch = "x86_64"))]
impl Schedule {
    pub(super) const fn new(_: &[u8; 16]) -> Option<Self> {
        None
    }

    pub(super) const fn apply(&self, _: Mode, _: u64, _: u64, _: &mut [u64]) -> usize {
        0
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Schedule;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm_aeskeygenassist_si128, _mm_loadu_si128, _mm_shuffle_epi32, _mm_slli_si128, _mm_storeu_si128, _mm_xor_si128,
        _mm512_add_epi64, _mm512_aesenc_epi128, _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_set_epi64,
        _mm512_storeu_si512, _mm512_sub_epi64, _mm512_xor_si512,
    };

    use zeroize::Zeroize;

    use super::Mode;

    const ROUNDS: usize = 10;
    /// Registers in flight.
    const FLIGHT: usize = 8;
    /// Elements of a register.
    const LANES: usize = 8;
    /// Elements of one step.
    const STEP: usize = FLIGHT * LANES;

    /// The round keys; wiped on drop.
    pub(in super::super) struct Schedule([[u8; 16]; ROUNDS + 1]);

    impl Drop for Schedule {
        fn drop(&mut self) {
            self.0.zeroize();
        }
    }

    impl Schedule {
        /// Expands a key; `None` if the CPU cannot use it.
        pub(in super::super) fn new(key: &[u8; 16]) -> Option<Self> {
            let has_all = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vaes") && is_x86_feature_detected!("aes");
            // SAFETY: AES was found.
            has_all.then(|| Self(unsafe { expand(key) }))
        }

        /// Applies the stream `(prefix, first block)` to as many whole steps of `out` as it has; returns the number of elements.
        pub(in super::super) fn apply(&self, mode: Mode, prefix: u64, first: u64, out: &mut [u64]) -> usize {
            let steps = out.len() / STEP * STEP;
            if let Some(out) = out.get_mut(..steps) {
                // SAFETY: a schedule is made only where AVX-512 F and VAES were found.
                unsafe {
                    match mode {
                        Mode::Overwrite => run::<0>(&self.0, prefix, first, out),
                        Mode::Subtract => run::<1>(&self.0, prefix, first, out),
                        Mode::Xor => run::<2>(&self.0, prefix, first, out),
                    }
                }
            }
            steps
        }
    }

    #[target_feature(enable = "avx512f,vaes")]
    fn run<const MODE: u8>(keys: &[[u8; 16]; ROUNDS + 1], prefix: u64, first: u64, out: &mut [u64]) {
        let keys: [__m512i; ROUNDS + 1] = std::array::from_fn(|round| _mm512_broadcast_i32x4(load_block(&keys[round])));
        let (high, low) = (prefix.cast_signed(), first.cast_signed());
        let [second, third, fourth] = [1, 2, 3].map(|ahead| low.wrapping_add(ahead));
        let mut counter = _mm512_set_epi64(high, fourth, high, third, high, second, high, low);
        let next = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
        for step in out.as_chunks_mut::<STEP>().0 {
            let mut blocks = [counter; FLIGHT];
            for block in &mut blocks {
                *block = _mm512_xor_si512(counter, keys[0]);
                counter = _mm512_add_epi64(counter, next);
            }
            for key in &keys[1..ROUNDS] {
                for block in &mut blocks {
                    *block = _mm512_aesenc_epi128(*block, *key);
                }
            }
            for (slot, block) in step.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
                let random = _mm512_aesenclast_epi128(block, keys[ROUNDS]);
                store(
                    slot,
                    match MODE {
                        0 => random,
                        1 => _mm512_sub_epi64(load(slot), random),
                        _ => _mm512_xor_si512(load(slot), random),
                    },
                );
            }
        }
    }

    /// FIPS 197, section 5.2.
    #[target_feature(enable = "aes,sse2")]
    fn expand(key: &[u8; 16]) -> [[u8; 16]; ROUNDS + 1] {
        let mut keys = [[0; 16]; ROUNDS + 1];
        keys[0] = *key;
        macro_rules! round {
            ($number:literal, $constant:literal) => {
                let last = load_block(&keys[$number - 1]);
                let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<$constant>(last));
                store_block(&mut keys[$number], _mm_xor_si128(running(last), word));
            };
        }
        round!(1, 0x01);
        round!(2, 0x02);
        round!(3, 0x04);
        round!(4, 0x08);
        round!(5, 0x10);
        round!(6, 0x20);
        round!(7, 0x40);
        round!(8, 0x80);
        round!(9, 0x1b);
        round!(10, 0x36);
        keys
    }

    /// Each word with all words before it.
    #[target_feature(enable = "sse2")]
    fn running(key: __m128i) -> __m128i {
        let key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
        _mm_xor_si128(key, _mm_slli_si128::<8>(key))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load_block(block: &[u8; 16]) -> __m128i {
        // SAFETY: the array is 16 readable bytes; the load has no alignment requirement.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn store_block(block: &mut [u8; 16], value: __m128i) {
        // SAFETY: the array is 16 writable bytes; the store has no alignment requirement.
        unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), value) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[u64; LANES]) -> __m512i {
        // SAFETY: the array is 64 readable bytes; the load has no alignment requirement.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(values: &mut [u64; LANES], vector: __m512i) {
        // SAFETY: the array is 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
    }
}
