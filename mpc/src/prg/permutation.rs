//! Permutations from a stream.

use super::Stream;

impl Stream<'_> {
    /// A uniform permutation of `rows` rows: row `i` goes to place `[i]` (Fisher and Yates; Lemire's unbiased bounded numbers,
    /// arXiv 1805.10941). Which numbers are rejected depends on the shared key only, not on data.
    #[must_use]
    pub fn permutation(mut self, rows: u32) -> Vec<u32> {
        let mut pool = [0u64; 512];
        let mut used = pool.len();
        let mut draw = |bound: u64| loop {
            if used == pool.len() {
                self.fill(&mut pool);
                used = 0;
            }
            let wide = u128::from(pool[used]) * u128::from(bound);
            used += 1;
            // 2^64 mod bound numbers would make some results more likely
            if wide as u64 >= bound.wrapping_neg() % bound {
                return (wide >> 64) as usize;
            }
        };
        let mut places: Vec<u32> = (0..rows).collect();
        for at in (1..places.len()).rev() {
            places.swap(at, draw(at as u64 + 1));
        }
        crate::engine::wipe(&mut pool);
        places
    }
}
