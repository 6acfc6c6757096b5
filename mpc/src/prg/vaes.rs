//! AES-128 and AES-256 in counter mode with VAES: several blocks to a register, eight registers in flight, and the result goes from the
//! registers to where it is wanted. With AVX-512 a register holds four blocks, else two. The portable twin is the `aes` crate,
//! which uses the CPU's AES instructions too, but goes through memory twice.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

#[cfg(target_arch = "x86_64")]
mod four;
#[cfg(target_arch = "x86_64")]
mod two;

/// What happens to the elements that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Overwrite,
    Subtract,
    Xor,
}

/// Round keys of AES-128, and of AES-256.
pub(super) const ROUND_KEYS: [usize; 2] = [11, 15];

#[cfg(not(target_arch = "x86_64"))]
pub(super) struct Schedule<const N: usize>;

#[cfg(not(target_arch = "x86_64"))]
impl<const N: usize> Schedule<N> {
    pub(super) const fn new<const K: usize>(_: &[u8; K]) -> Option<Self> {
        None
    }

    #[cfg(test)]
    pub(super) const fn all<const K: usize>(_: &[u8; K]) -> Vec<Self> {
        Vec::new()
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
        __m128i, _mm_aeskeygenassist_si128, _mm_loadu_si128, _mm_shuffle_epi32, _mm_slli_si128, _mm_storeu_si128, _mm_xor_si128,
    };

    use zeroize::Zeroize;

    use super::{Mode, ROUND_KEYS, four, two};

    /// Round keys.
    pub(super) type Keys<const N: usize> = [[u8; 16]; N];

    /// Blocks of a register.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Width {
        /// 256 bits: AVX2.
        Two,
        /// 512 bits: AVX-512 F.
        Four,
    }

    impl Width {
        fn is_available(self) -> bool {
            let vector = match self {
                Self::Two => is_x86_feature_detected!("avx2"),
                Self::Four => is_x86_feature_detected!("avx512f"),
            };
            vector && is_x86_feature_detected!("vaes") && is_x86_feature_detected!("aes")
        }
    }

    /// The round keys; wiped on drop.
    pub(in super::super) struct Schedule<const N: usize> {
        keys: Keys<N>,
        // INVARIANT: available
        width: Width,
    }

    impl<const N: usize> Drop for Schedule<N> {
        fn drop(&mut self) {
            self.keys.zeroize();
        }
    }

    /// A key that has round keys.
    pub(in super::super) trait Expands<const N: usize> {
        /// Its round keys.
        ///
        /// # Safety
        /// AES instructions were found.
        unsafe fn expand(&self) -> Keys<N>;
    }

    impl Expands<{ ROUND_KEYS[0] }> for [u8; 16] {
        unsafe fn expand(&self) -> Keys<{ ROUND_KEYS[0] }> {
            // SAFETY: the caller has found the instructions.
            unsafe { expand128(self) }
        }
    }

    impl Expands<{ ROUND_KEYS[1] }> for [u8; 32] {
        unsafe fn expand(&self) -> Keys<{ ROUND_KEYS[1] }> {
            // SAFETY: the caller has found the instructions.
            unsafe { expand256(self) }
        }
    }

    impl<const N: usize> Schedule<N> {
        /// Expands a key; `None` if the CPU cannot use it.
        pub(in super::super) fn new(key: &impl Expands<N>) -> Option<Self> {
            [Width::Four, Width::Two].into_iter().find_map(|width| Self::of(key, width))
        }

        /// One for each width that this CPU has.
        #[cfg(test)]
        pub(in super::super) fn all(key: &impl Expands<N>) -> Vec<Self> {
            [Width::Four, Width::Two].into_iter().filter_map(|width| Self::of(key, width)).collect()
        }

        fn of(key: &impl Expands<N>, width: Width) -> Option<Self> {
            // SAFETY: AES was found.
            width.is_available().then(|| Self { keys: unsafe { key.expand() }, width })
        }

        /// Applies the stream `(prefix, first block)` to as many whole steps of `out` as it has; returns the number of elements.
        pub(in super::super) fn apply(&self, mode: Mode, prefix: u64, first: u64, out: &mut [u64]) -> usize {
            let step = match self.width {
                Width::Two => two::STEP,
                Width::Four => four::STEP,
            };
            let steps = out.len() / step * step;
            if let Some(out) = out.get_mut(..steps) {
                let keys = &self.keys;
                // SAFETY: a schedule is made only where the instructions of its width were found.
                unsafe {
                    match (self.width, mode) {
                        (Width::Two, Mode::Overwrite) => two::run::<0, N>(keys, prefix, first, out),
                        (Width::Two, Mode::Subtract) => two::run::<1, N>(keys, prefix, first, out),
                        (Width::Two, Mode::Xor) => two::run::<2, N>(keys, prefix, first, out),
                        (Width::Four, Mode::Overwrite) => four::run::<0, N>(keys, prefix, first, out),
                        (Width::Four, Mode::Subtract) => four::run::<1, N>(keys, prefix, first, out),
                        (Width::Four, Mode::Xor) => four::run::<2, N>(keys, prefix, first, out),
                    }
                }
            }
            steps
        }
    }

    /// FIPS 197, section 5.2.
    #[target_feature(enable = "aes,sse2")]
    fn expand128(key: &[u8; 16]) -> Keys<{ ROUND_KEYS[0] }> {
        let mut keys = [[0; 16]; ROUND_KEYS[0]];
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

    /// The same for 256 bits: every second round key without rotation and constant.
    #[target_feature(enable = "aes,sse2")]
    fn expand256(key: &[u8; 32]) -> Keys<{ ROUND_KEYS[1] }> {
        let mut keys = [[0; 16]; ROUND_KEYS[1]];
        let (halves, _) = key.as_chunks::<16>();
        keys[..2].copy_from_slice(halves);
        macro_rules! even {
            ($number:literal, $constant:literal) => {
                let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<$constant>(load_block(&keys[$number - 1])));
                let next = _mm_xor_si128(running(load_block(&keys[$number - 2])), word);
                store_block(&mut keys[$number], next);
            };
        }
        macro_rules! both {
            ($number:literal, $constant:literal) => {
                even!($number, $constant);
                let word = _mm_shuffle_epi32::<0xaa>(_mm_aeskeygenassist_si128::<0>(load_block(&keys[$number])));
                let next = _mm_xor_si128(running(load_block(&keys[$number - 1])), word);
                store_block(&mut keys[$number + 1], next);
            };
        }
        both!(2, 0x01);
        both!(4, 0x02);
        both!(6, 0x04);
        both!(8, 0x08);
        both!(10, 0x10);
        both!(12, 0x20);
        even!(14, 0x40);
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
    pub(super) fn load_block(block: &[u8; 16]) -> __m128i {
        // SAFETY: the array is 16 readable bytes; the load has no alignment requirement.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn store_block(block: &mut [u8; 16], value: __m128i) {
        // SAFETY: the array is 16 writable bytes; the store has no alignment requirement.
        unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), value) }
    }
}
