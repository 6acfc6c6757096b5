//! Random choices of the attacks, and of the order of released rows.

use rand_chacha::rand_core::Rng;

/// A uniform number below `bound`, by rejection; 0 if there is none.
pub(crate) fn below(rng: &mut (impl Rng + ?Sized), bound: usize) -> usize {
    if bound < 2 {
        return 0;
    }
    let bound = bound as u64;
    let zone = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let value = rng.next_u64();
        if value <= zone {
            return (value % bound) as usize;
        }
    }
}

/// Fisher-Yates.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut (impl Rng + ?Sized)) {
    for last in (1..items.len()).rev() {
        let other = below(rng, last + 1);
        items.swap(last, other);
    }
}
