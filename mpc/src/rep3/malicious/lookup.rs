//! Linear maps of bytes into GF(2^64), many bytes at once: what the proofs over bits do most. A map is the sum of what the byte's bits
//! select of eight elements.
//!
//! TIMING: no table in memory is read at a place that depends on data. With AVX2 a map is 16 tables of 16 bytes in registers, one for each
//! half of the byte and each byte of the result (a shuffle looks up 32 at once); the portable twin adds masked elements.
#![expect(
    unsafe_code,
    reason = "calls into functions compiled for AVX2 after it was found, loads and stores; portable twin, tests compare both"
)]

/// Lengths of vectors of words are multiples of this.
pub(super) const LANES: usize = 32;

/// Words whose bytes are summed together: the index of a table takes one bit of each.
pub(super) const OCTET: usize = 8;

/// Bytes of `u` (and of `w`) that are paired: those of two words.
pub(super) const BYTES: usize = 16;

/// A linear map.
#[derive(Clone)]
pub(super) struct Map {
    basis: [u64; 8],
    /// `[2p]` is byte `p` of the sums that the lower half of a byte selects, `[2p + 1]` of the upper.
    tables: [[u8; 16]; 16],
}

impl Map {
    pub(super) fn new(basis: [u64; 8]) -> Self {
        let sum = |half: usize, entry: usize| (0..4).filter(|bit| entry >> bit & 1 == 1).fold(0, |sum, bit| sum ^ basis[4 * half + bit]);
        let tables = std::array::from_fn(|at| std::array::from_fn(|entry| sum(at % 2, entry).to_le_bytes()[at / 2]));
        Self { basis, tables }
    }

    /// The image of one byte.
    fn of(&self, byte: u8) -> u64 {
        self.basis.iter().enumerate().fold(0, |sum, (bit, element)| sum ^ element & mask(byte, bit))
    }
}

/// All ones if that bit of the byte is 1.
const fn mask(byte: u8, bit: usize) -> u64 {
    ((byte >> bit & 1) as u64).wrapping_neg()
}

/// Bit `b` of byte `a` becomes bit `a` of byte `b` (Hacker's Delight, section 7-3).
const fn transposed(mut x: u64) -> u64 {
    let mut swap = (x ^ x >> 7) & 0x00aa_00aa_00aa_00aa;
    x ^= swap ^ swap << 7;
    swap = (x ^ x >> 14) & 0x0000_cccc_0000_cccc;
    x ^= swap ^ swap << 14;
    swap = (x ^ x >> 28) & 0x0000_0000_f0f0_f0f0;
    x ^ swap ^ swap << 28
}

/// `out[bit len + j]` is that bit of all bytes of word `j`, the lowest byte's first.
pub(super) fn bit_planes(out: &mut [u8], words: &[u64]) {
    check_lengths(words.len(), out.len() == 8 * words.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::bit_planes(out, words) };
    }
    portable::bit_planes(out, words);
}

/// `out[a len + j]` is byte `a` of word `j`.
pub(super) fn byte_planes(out: &mut [u8], words: &[u64]) {
    check_lengths(words.len(), out.len() == 8 * words.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::byte_planes(out, words) };
    }
    portable::byte_planes(out, words);
}

/// Of each eight words: bit `j` of byte `b` of word `a` is bit `b` of byte `a` of word `j`.
pub(super) fn octets(out: &mut [u64], words: &[u64]) {
    check_lengths(words.len(), out.len() == words.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::octets(out, words) };
    }
    portable::octets(out, words);
}

/// `out[j]` is the sum of the images of byte `j` of each input under its map.
pub(super) fn sum_of_maps(out: &mut [u64], inputs: &[(&Map, &[u8])]) {
    check_lengths(out.len(), inputs.iter().all(|(_, bytes)| bytes.len() == out.len()));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the feature.
        return unsafe { x86::sum_of_maps(out, inputs) };
    }
    portable::sum_of_maps(out, inputs);
}

/// Where the proofs never are: kernels read whole vectors.
fn check_lengths(words: usize, fits: bool) {
    assert!(words.is_multiple_of(LANES) && fits, "vectors of whole lanes");
}

/// Two words of each group, as [`octets`] writes them: of the groups' first words, then of their second ones.
pub(super) type Octets<'a> = [&'a [u64]; 2];

/// `sum_j sigma_j` over the groups in which bit `c` of byte `a` of `u` and of byte `b` of `w` are both 1, for every `a`, `b`, `c`; two
/// terms to a group, added.
pub(super) struct Gram {
    sums: Box<[[u8; 32]; VECTORS * 8]>,
    /// Lower and upper halves of the indices of one octet.
    indices: Box<[[[u8; 32]; 2]; VECTORS]>,
}

/// Vectors of 32 sums: four bytes of `w` with all of their bits.
const VECTORS: usize = BYTES * BYTES / 4;

impl Gram {
    pub(super) fn new() -> Self {
        Self { sums: Box::new([[0; 32]; VECTORS * 8]), indices: Box::new([[[0; 32]; 2]; VECTORS]) }
    }

    /// Adds groups: the terms of `u` and of `w`, and a coefficient for each group.
    pub(super) fn add(&mut self, u: [Octets<'_>; 2], w: [Octets<'_>; 2], sigma: &[u64]) {
        check_lengths(sigma.len(), u.iter().chain(&w).flatten().all(|words| words.len() == sigma.len()));
        for (at, sigma) in sigma.as_chunks::<OCTET>().0.iter().enumerate() {
            let of = |words: &[u64]| -> [u64; OCTET] { std::array::from_fn(|a| words[at * OCTET + a]) };
            let both = |octets: Octets<'_>| octets.map(of);
            let (u, w) = (u.map(both), w.map(both));
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the CPU has the feature.
                unsafe { x86::add(&mut self.sums, &mut self.indices, &u, &w, sigma) };
                continue;
            }
            portable::add(&mut self.sums, &u, &w, sigma);
        }
    }

    /// The sum for bit `c` of byte `a` of `u` and byte `b` of `w`.
    pub(super) fn get(&self, a: usize, b: usize, c: usize) -> u64 {
        let vector = a * BYTES / 4 + b / 4;
        u64::from_le_bytes(std::array::from_fn(|p| self.sums[8 * vector + p][b % 4 * 8 + c]))
    }
}

impl Drop for Gram {
    fn drop(&mut self) {
        self.sums.fill([0; 32]);
        self.indices.fill([[0; 32]; 2]);
        std::hint::black_box((&mut self.sums, &mut self.indices));
    }
}

mod portable {
    use super::{BYTES, Map, OCTET, VECTORS, mask, transposed};

    pub(super) fn bit_planes(out: &mut [u8], words: &[u64]) {
        let turned = words.iter().map(|word| transposed(*word));
        planes(out, turned, words.len());
    }

    pub(super) fn byte_planes(out: &mut [u8], words: &[u64]) {
        planes(out, words.iter().copied(), words.len());
    }

    fn planes(out: &mut [u8], words: impl Iterator<Item = u64>, len: usize) {
        for (at, word) in words.enumerate() {
            for (plane, byte) in word.to_le_bytes().into_iter().enumerate() {
                out[plane * len + at] = byte;
            }
        }
    }

    pub(super) fn octets(out: &mut [u64], words: &[u64]) {
        for (out, words) in out.as_chunks_mut::<OCTET>().0.iter_mut().zip(words.as_chunks::<OCTET>().0) {
            let bytes = words.map(u64::to_le_bytes);
            *out = std::array::from_fn(|a| transposed(u64::from_le_bytes(std::array::from_fn(|j| bytes[j][a]))));
        }
    }

    pub(super) fn sum_of_maps(out: &mut [u64], inputs: &[(&Map, &[u8])]) {
        for (at, out) in out.iter_mut().enumerate() {
            *out = inputs.iter().fold(0, |sum, (map, bytes)| sum ^ map.of(bytes[at]));
        }
    }

    pub(super) fn add(sums: &mut [[u8; 32]; VECTORS * 8], u: &[[[u64; OCTET]; 2]; 2], w: &[[[u64; OCTET]; 2]; 2], sigma: &[u64; OCTET]) {
        for a in 0..BYTES {
            for b in 0..BYTES {
                let term = |t: usize| u[t][a / OCTET][a % OCTET] & w[t][b / OCTET][b % OCTET];
                for (c, index) in (term(0) ^ term(1)).to_le_bytes().into_iter().enumerate() {
                    let sum = sigma.iter().enumerate().fold(0, |sum, (bit, element)| sum ^ element & mask(index, bit));
                    for (p, byte) in sum.to_le_bytes().into_iter().enumerate() {
                        sums[8 * (a * BYTES / 4 + b / 4) + p][b % 4 * 8 + c] ^= byte;
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_permute2x128_si256,
        _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_shuffle_epi32, _mm256_slli_epi64, _mm256_srli_epi16, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi8,
        _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_xor_si256,
    };

    use super::{BYTES, LANES, Map, OCTET, VECTORS};

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(bytes: &mut [u8; 32], vector: __m256i) {
        // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_words(words: &[u64; 4]) -> __m256i {
        // SAFETY: the array is 32 readable bytes; the load has no alignment requirement.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store_words(words: &mut [u64; 4], vector: __m256i) {
        // SAFETY: the array is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store_pair(words: &mut [u64; 2], vector: __m128i) {
        // SAFETY: the array is 16 writable bytes; the store has no alignment requirement.
        unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), vector) }
    }

    /// A table in both lanes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn table(table: &[u8; 16]) -> __m256i {
        // SAFETY: the array is 16 readable bytes; the load has no alignment requirement.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    }

    /// Lower and upper halves of bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn halves(bytes: __m256i) -> [__m256i; 2] {
        let low = _mm256_set1_epi8(15);
        [_mm256_and_si256(bytes, low), _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low)]
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn bit_planes(out: &mut [u8], words: &[u64]) {
        let len = words.len();
        for (at, four) in words.as_chunks::<4>().0.iter().enumerate() {
            let mut bytes = load_words(four);
            for bit in (0..8).rev() {
                let mask = _mm256_movemask_epi8(bytes);
                out[bit * len + 4 * at..][..4].copy_from_slice(&mask.to_le_bytes());
                bytes = _mm256_add_epi8(bytes, bytes);
            }
        }
    }

    /// The bytes of eight words: those of number `a` of all of them in word `a`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn turned(words: &[u64; OCTET]) -> [__m256i; 2] {
        let pairs =
            _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
        let [first, second] = [0, 4].map(|at| _mm256_shuffle_epi8(load_words(&std::array::from_fn(|j| words[at + j])), pairs));
        let even = _mm256_permute2x128_si256::<0x20>(first, second);
        let odd = _mm256_permute2x128_si256::<0x31>(first, second);
        // of the lower four words in the lower lane, of the upper four in the upper one
        [_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd)]
            .map(|quads| _mm256_shuffle_epi32::<0b11_01_10_00>(_mm256_permute4x64_epi64::<0b11_01_10_00>(quads)))
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn byte_planes(out: &mut [u8], words: &[u64]) {
        let len = words.len();
        for (at, words) in words.as_chunks::<OCTET>().0.iter().enumerate() {
            let mut bytes = [[0; 4]; 2];
            for (bytes, vector) in bytes.iter_mut().zip(turned(words)) {
                store_words(bytes, vector);
            }
            for (a, bytes) in bytes.as_flattened().iter().enumerate() {
                out[a * len + OCTET * at..][..OCTET].copy_from_slice(&bytes.to_le_bytes());
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn octets(out: &mut [u64], words: &[u64]) {
        for (out, words) in out.as_chunks_mut::<OCTET>().0.iter_mut().zip(words.as_chunks::<OCTET>().0) {
            for (out, mut x) in out.as_chunks_mut::<4>().0.iter_mut().zip(turned(words)) {
                let mask = |mask: u64| _mm256_set1_epi64x(mask.cast_signed());
                let swap = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64::<7>(x)), mask(0x00aa_00aa_00aa_00aa));
                x = _mm256_xor_si256(x, _mm256_xor_si256(swap, _mm256_slli_epi64::<7>(swap)));
                let swap = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64::<14>(x)), mask(0x0000_cccc_0000_cccc));
                x = _mm256_xor_si256(x, _mm256_xor_si256(swap, _mm256_slli_epi64::<14>(swap)));
                let swap = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64::<28>(x)), mask(0x0000_0000_f0f0_f0f0));
                store_words(out, _mm256_xor_si256(x, _mm256_xor_si256(swap, _mm256_slli_epi64::<28>(swap))));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn sum_of_maps(out: &mut [u64], inputs: &[(&Map, &[u8])]) {
        for (at, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sums = [_mm256_setzero_si256(); 8];
            for (map, bytes) in inputs {
                let Some(bytes) = bytes.as_chunks::<LANES>().0.get(at) else { return };
                let [low, high] = halves(load(bytes));
                for (sum, tables) in sums.iter_mut().zip(map.tables.as_chunks::<2>().0) {
                    let first = _mm256_shuffle_epi8(table(&tables[0]), low);
                    let second = _mm256_shuffle_epi8(table(&tables[1]), high);
                    *sum = _mm256_xor_si256(*sum, _mm256_xor_si256(first, second));
                }
            }
            words(out, &sums);
        }
    }

    /// Words whose bytes of number `p` are in vector `p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn words(out: &mut [u64; LANES], planes: &[__m256i; 8]) {
        let pairs = [0, 2, 4, 6].map(|p| {
            let (even, odd) = (planes[p], planes[p + 1]);
            [_mm256_unpacklo_epi8(even, odd), _mm256_unpackhi_epi8(even, odd)]
        });
        // of the words' lower and upper bytes: the first quarter of each lane, and so on
        let quads = [0, 2].map(|p| {
            let [[a, b], [c, d]] = [pairs[p], pairs[p + 1]];
            [_mm256_unpacklo_epi16(a, c), _mm256_unpackhi_epi16(a, c), _mm256_unpacklo_epi16(b, d), _mm256_unpackhi_epi16(b, d)]
        });
        let (lower, upper) = out.split_at_mut(LANES / 2);
        let places = lower.as_chunks_mut::<4>().0.iter_mut().zip(upper.as_chunks_mut::<4>().0);
        for ((lower, upper), (low, high)) in places.zip(quads[0].into_iter().zip(quads[1])) {
            let words = [_mm256_unpacklo_epi32(low, high), _mm256_unpackhi_epi32(low, high)];
            // the upper lane holds what stands sixteen words on
            for ((lower, upper), pair) in lower.as_chunks_mut().0.iter_mut().zip(upper.as_chunks_mut().0).zip(words) {
                store_pair(lower, _mm256_castsi256_si128(pair));
                store_pair(upper, _mm256_extracti128_si256::<1>(pair));
            }
        }
    }

    /// The tables of what eight coefficients sum up to: [`Map`] with the octet as the byte.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn tables(sigma: &[u64; OCTET]) -> [[[u64; 2]; OCTET]; 2] {
        let mut tables = [[[0; 2]; OCTET]; 2];
        for (tables, basis) in tables.iter_mut().zip(sigma.as_chunks::<4>().0) {
            let mut sums = [0; 16];
            for (bit, element) in basis.iter().enumerate() {
                let (done, rest) = sums.split_at_mut(1 << bit);
                rest.iter_mut().zip(done).for_each(|(slot, sum)| *slot = *sum ^ element);
            }
            for (half, sums) in sums.as_chunks::<OCTET>().0.iter().enumerate() {
                let mut bytes = [[0; 4]; 2];
                for (bytes, vector) in bytes.iter_mut().zip(turned(sums)) {
                    store_words(bytes, vector);
                }
                for (table, bytes) in tables.iter_mut().zip(bytes.as_flattened()) {
                    table[half] = *bytes;
                }
            }
        }
        tables
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn add(
        sums: &mut [[u8; 32]; VECTORS * 8],
        indices: &mut [[[u8; 32]; 2]; VECTORS],
        u: &[[[u64; OCTET]; 2]; 2],
        w: &[[[u64; OCTET]; 2]; 2],
        sigma: &[u64; OCTET],
    ) {
        let w = [0, 1].map(|t| [0, 1, 2, 3].map(|four| load_words(&std::array::from_fn(|b| w[t][four / 2][four % 2 * 4 + b]))));
        for (a, indices) in indices.as_chunks_mut::<{ BYTES / 4 }>().0.iter_mut().enumerate() {
            let u = [0, 1].map(|t| _mm256_set1_epi64x(u[t][a / OCTET][a % OCTET].cast_signed()));
            for (four, index) in indices.iter_mut().enumerate() {
                let bits = _mm256_xor_si256(_mm256_and_si256(u[0], w[0][four]), _mm256_and_si256(u[1], w[1][four]));
                for (index, half) in index.iter_mut().zip(halves(bits)) {
                    store(index, half);
                }
            }
        }
        let tables = tables(sigma).map(|half| {
            half.map(|words| {
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&words[0].to_le_bytes());
                bytes[8..].copy_from_slice(&words[1].to_le_bytes());
                bytes
            })
        });
        // eight tables at a time stay in registers
        for part in [0, 4] {
            let low: [__m256i; 4] = std::array::from_fn(|p| table(&tables[0][part + p]));
            let high: [__m256i; 4] = std::array::from_fn(|p| table(&tables[1][part + p]));
            for (index, sums) in indices.iter().zip(sums.as_chunks_mut::<8>().0) {
                let (first, second) = (load(&index[0]), load(&index[1]));
                for p in 0..4 {
                    let more = _mm256_xor_si256(_mm256_shuffle_epi8(low[p], first), _mm256_shuffle_epi8(high[p], second));
                    let sum = &mut sums[part + p];
                    store(sum, _mm256_xor_si256(load(sum), more));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(len: usize) -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(any::<u64>(), len)
    }

    #[test]
    fn bytes_are_transposed() {
        for (a, b) in (0..8).flat_map(|a| (0..8).map(move |b| (a, b))) {
            assert_eq!(transposed(1 << (8 * a + b)), 1 << (8 * b + a));
        }
    }

    #[test]
    fn maps_are_linear() {
        let basis = [3, 5, 9, 1 << 63, 77, 0, 12, 99];
        let map = Map::new(basis);
        for byte in 0..=255u8 {
            let sum = basis.iter().enumerate().fold(0, |sum, (bit, element)| if byte >> bit & 1 == 1 { sum ^ element } else { sum });
            assert_eq!(map.of(byte), sum);
            let looked_up = |p: usize| map.tables[2 * p][usize::from(byte & 15)] ^ map.tables[2 * p + 1][usize::from(byte >> 4)];
            assert_eq!(u64::from_le_bytes(std::array::from_fn(looked_up)), sum);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// On a CPU without AVX2 both are the same.
        #[test]
        fn twins_of_byte_maps_agree(values in (0usize..4).prop_flat_map(|len| words(LANES * len)), bases: [[u64; 8]; 3]) {
            let len = values.len();
            let (mut one, mut two) = (vec![0; 8 * len], vec![0; 8 * len]);
            bit_planes(&mut one, &values);
            portable::bit_planes(&mut two, &values);
            prop_assert_eq!(&one, &two);
            byte_planes(&mut one, &values);
            portable::byte_planes(&mut two, &values);
            prop_assert_eq!(&one, &two);
            let (mut first, mut second) = (vec![0; len], vec![0; len]);
            octets(&mut first, &values);
            portable::octets(&mut second, &values);
            prop_assert_eq!(&first, &second);
            let maps = bases.map(Map::new);
            let inputs: Vec<(&Map, &[u8])> = maps.iter().zip(one.chunks(len.max(1))).collect();
            sum_of_maps(&mut first, &inputs);
            portable::sum_of_maps(&mut second, &inputs);
            prop_assert_eq!(&first, &second);
        }

        #[test]
        fn grams_are_what_they_say(u in words(4 * LANES), w in words(4 * LANES), sigma in words(LANES)) {
            let mut turned = [vec![0; u.len()], vec![0; w.len()]];
            octets(&mut turned[0], &u);
            octets(&mut turned[1], &w);
            let part = |words: &[u64], at: usize| words[at * LANES..(at + 1) * LANES].to_vec();
            let parts = [0, 1].map(|side| [0, 1, 2, 3].map(|at| part(&turned[side], at)));
            let terms = |side: usize| [0, 2].map(|t| [&parts[side][t][..], &parts[side][t + 1][..]]);
            let mut gram = Gram::new();
            gram.add(terms(0), terms(1), &sigma);
            // byte a of group j: of its first or second word, of one of two terms
            let byte = |words: &[u64], t: usize, a: usize, j: usize| words[(2 * t + a / 8) * LANES + j].to_le_bytes()[a % 8];
            for (a, b) in (0..BYTES).flat_map(|a| (0..BYTES).map(move |b| (a, b))) {
                for c in 0..8 {
                    let is_set = |j: usize| (0..2).fold(0, |sum, t| sum ^ byte(&u, t, a, j) & byte(&w, t, b, j)) >> c & 1 == 1;
                    let right = (0..LANES).filter(|j| is_set(*j)).fold(0, |sum, j| sum ^ sigma[j]);
                    prop_assert_eq!(gram.get(a, b, c), right);
                }
            }
            // and the twin
            let mut twin = Gram::new();
            for at in 0..LANES / OCTET {
                let of = |words: &[u64]| -> [u64; OCTET] { std::array::from_fn(|a| words[at * OCTET + a]) };
                let [u, w] = [0, 1].map(|side| terms(side).map(|octets| octets.map(of)));
                portable::add(&mut twin.sums, &u, &w, &std::array::from_fn(|j| sigma[at * OCTET + j]));
            }
            prop_assert!(twin.sums == gram.sums);
        }
    }
}
