//! Randomness that two parties share, drawn in step: for protocols outside this crate.

use zeroize::Zeroizing;

use super::{Key, Op, Purpose, SEED_LEN, Stream};
use crate::{Error, Result, SessionId};

/// A key that two parties share and the number of streams drawn from it. Both draw the same streams if they ask in the same
/// order; no stream is drawn twice. There is no way to go back: it does not clone.
///
/// ```
/// use yu_mpc::prg::Source;
/// let [mut a, mut b] = [(); 2].map(|()| Source::new(&[7; 32], &[1; 32], 0));
/// assert_eq!(*a.draw(5)?, *b.draw(5)?);
/// assert_ne!(*a.draw(5)?, *a.draw(5)?);
/// # Ok::<(), yu_mpc::Error>(())
/// ```
pub struct Source {
    key: Key,
    // INVARIANT: never reset, so no PRG block is used twice
    drawn: u64,
}

impl Source {
    /// The source of one pair of parties, which both pass the same. `edge` numbers the pairs of a protocol; at most one source
    /// is made of a seed, a session and an edge: a second one would repeat the first.
    #[must_use]
    pub fn new(seed: &[u8; SEED_LEN], session: &SessionId, edge: u8) -> Self {
        Self { key: Key::derive(seed, session, edge), drawn: 0 }
    }

    /// A stream that nobody has drawn yet.
    ///
    /// # Errors
    /// [`Error::Caller`] after `2^48` streams.
    pub fn stream(&mut self) -> Result<Stream<'_>> {
        if self.drawn == Op::LIMIT {
            return Err(Error::caller("the session has used up the streams of a shared key"));
        }
        let op = Op::new(self.drawn);
        self.drawn += 1;
        Ok(self.key.stream(Purpose::Source, &op))
    }

    /// The first `len` elements of a new stream.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub fn draw(&mut self, len: usize) -> Result<Zeroizing<Vec<u64>>> {
        let mut out = Zeroizing::new(vec![0; len]);
        self.stream()?.fill(&mut out);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_used_up() {
        let mut source = Source::new(&[7; 32], &[1; 32], 0);
        source.drawn = Op::LIMIT - 1;
        assert!(source.draw(1).is_ok());
        assert!(matches!(source.draw(1), Err(Error::Caller(_))));
    }

    #[test]
    fn sources_are_apart_from_the_streams_of_operations() {
        let drawn = Source::new(&[7; 32], &[1; 32], 0).draw(2).unwrap();
        let mut other = [0; 2];
        Key::derive(&[7; 32], &[1; 32], 0).stream(Purpose::ZeroShare, &Op::new(0)).fill(&mut other);
        assert_ne!(*drawn, other);
    }
}
