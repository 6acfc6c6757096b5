//! The 64 x 64 bits as 8 x 8 tiles of 8 x 8 bits. Eight words are one vector: a byte permutation brings each tile's eight
//! bytes together, an affine map turns the bits of every tile, and tiles change places by whole 64-bit lanes.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

#[cfg(not(target_arch = "x86_64"))]
pub(super) const fn is_available() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn transpose(block: &mut [u64; 64]) {
    super::portable::transpose(block);
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{is_available, transpose};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512i, _mm512_gf2p8affine_epi64_epi8, _mm512_loadu_si512, _mm512_permutex2var_epi64, _mm512_permutexvar_epi8, _mm512_storeu_si512,
    };

    /// Byte `8 i + j` of the result is byte `8 j + i`: turns the 8 x 8 bytes of eight words.
    const TURN: [u64; 8] = turn_bytes(false);
    /// The same, the bytes of each result in reverse: the affine map counts the rows of its matrix from the other end.
    const TURN_REVERSED: [u64; 8] = turn_bytes(true);

    const fn turn_bytes(is_reversed: bool) -> [u64; 8] {
        let mut index = [0; 8];
        let mut at = 0;
        while at < 64 {
            let (lane, byte) = (at / 8, at % 8);
            let word = if is_reversed { 7 - byte } else { byte };
            index[lane] |= ((8 * word + lane) as u64) << (8 * byte);
            at += 1;
        }
        index
    }

    /// Byte `k` is `2^k`: the tile times these vectors is the tile's columns.
    const UNIT_COLUMNS: u64 = 0x8040_2010_0804_0201;

    pub(in super::super) fn is_available() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("gfni")
    }

    pub(in super::super) fn transpose(block: &mut [u64; 64]) {
        if is_available() {
            // SAFETY: the features were found just now.
            unsafe { turn(block) }
        } else {
            super::super::portable::transpose(block);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
    fn turn(block: &mut [u64; 64]) {
        let (reversed, turn) = (load(&TURN_REVERSED), load(&TURN));
        let columns = load(&[UNIT_COLUMNS; 8]);
        let mut rows: [__m512i; 8] = std::array::from_fn(|at| {
            // lane c: byte c of each of the eight words, a tile of 8 x 8 bits
            let tiles = _mm512_permutexvar_epi8(reversed, load(&block.as_chunks().0[at]));
            _mm512_gf2p8affine_epi64_epi8::<0>(columns, tiles)
        });
        turn_lanes(&mut rows);
        for (words, row) in block.as_chunks_mut::<8>().0.iter_mut().zip(&rows) {
            store(words, _mm512_permutexvar_epi8(turn, *row));
        }
    }

    /// Lane `j` of row `i` and lane `i` of row `j` change places.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turn_lanes(rows: &mut [__m512i; 8]) {
        for span in [1usize, 2, 4] {
            let low: [u64; 8] = std::array::from_fn(|lane| if lane & span == 0 { lane as u64 } else { (lane - span + 8) as u64 });
            let high: [u64; 8] = std::array::from_fn(|lane| if lane & span == 0 { (lane + span) as u64 } else { (lane + 8) as u64 });
            let (low, high) = (load(&low), load(&high));
            for at in (0..8).filter(|at| at & span == 0) {
                let (a, b) = (rows[at], rows[at + span]);
                rows[at] = _mm512_permutex2var_epi64(a, low, b);
                rows[at + span] = _mm512_permutex2var_epi64(a, high, b);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[u64; 8]) -> __m512i {
        // SAFETY: the array is 64 readable bytes; the load has no alignment requirement.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(values: &mut [u64; 8], vector: __m512i) {
        // SAFETY: the array is 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
    }
}
