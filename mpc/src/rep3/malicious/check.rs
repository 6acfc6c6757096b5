//! When relations are checked, by how many proofs, and who is told.

use bytes::Bytes;
use yu_wire::channel::{Channel, Expect};

use super::products::{self, WordsRecord};
use super::record::{self, BitsRecord};
use super::steps::Check;
use super::{Malicious, bits, words};
use crate::rep3::context::{Context, PARTIES};
use crate::{Error, Result};

/// Relations of each prover that wait for a check.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// Relations over words, and elements of the vectors that the first level of their proof leaves.
    pub(super) words: [(usize, usize); PARTIES],
    /// Words of relations over bits.
    pub(super) bits: [usize; PARTIES],
}

/// Elements after the first level from which a check runs by itself: 2^21 products, 16 MiB of vectors and 96 MiB of shares.
pub(super) const MOST_FOLDED: usize = 1 << 19;

/// Words of relations over bits from which a check runs by itself.
const MOST_BITS: usize = 4 * bits::SEGMENT;

impl Pending {
    pub(super) fn of(words: &[WordsRecord], bits: &[BitsRecord]) -> Self {
        Self { words: products::sizes(words), bits: record::sizes(bits) }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn is_full(&self) -> bool {
        self.words.iter().any(|(_, folded)| *folded >= MOST_FOLDED) || self.bits.iter().any(|rows| *rows > MOST_BITS)
    }
}

const BAD_WORDS: u8 = 1;
const BAD_BITS: u8 = 2;

impl Malicious {
    /// Checks now if so much is waiting that memory would grow.
    pub(super) fn check_if_full(&mut self) -> Result<()> {
        if Pending::of(&self.words, &self.bits).is_full() { self.check() } else { Ok(()) }
    }

    /// Checks all relations since the last check.
    pub(super) fn check(&mut self) -> Result<()> {
        let pending = Pending::of(&self.words, &self.bits);
        let (words, bits) = (std::mem::take(&mut self.words), std::mem::take(&mut self.bits));
        let names = std::mem::take(&mut self.names);
        if pending.is_empty() {
            return Ok(());
        }
        self.base.operate(|context| {
            let mut verdict = 0;
            if pending.words.iter().any(|(rows, _)| *rows > 0) && !words::check(context, &words)? {
                verdict |= BAD_WORDS;
            }
            if !bits::check(context, &bits)? {
                verdict |= BAD_BITS;
            }
            conclude(context, verdict, &names)
        })
    }
}

/// All three tell each other whether their predecessor's proofs hold; nobody goes on unless all do.
///
/// A verifier that rejects cannot know whether the prover lied or the other verifier: the error names the prover.
fn conclude(context: &mut Context, verdict: u8, names: &[&'static str]) -> Result<()> {
    let told = [&mut context.prev, &mut context.next].map(|channel| channel.send(Check::Verdict, Bytes::copy_from_slice(&[verdict])));
    let steps = names.join(", ");
    let refused = |culprit: &str, verdict: u8, what: String| {
        let kind = if verdict & BAD_WORDS == 0 { "bits" } else { "words" };
        Err(Error::Peer {
            culprit: culprit.into(),
            step: format!("{} of {steps}", Check::Coefficients.label()),
            what: format!("{what} (relations over {kind})"),
        })
    };
    let (prev, next) = (context.prev.peer().to_owned(), context.next.peer().to_owned());
    if verdict != 0 {
        return refused(&prev, verdict, format!("its proof does not hold; or `{next}`, who verifies it too, deviated"));
    }
    // what a party says counts before that one is gone, which it is if it refuses
    let hear = |channel: &mut Channel| {
        let verdict = channel.recv(Check::Verdict, Expect::Exactly(1))?;
        Ok::<u8, Error>(verdict.first().copied().unwrap_or(u8::MAX))
    };
    let heard = [hear(&mut context.prev), hear(&mut context.next)];
    match heard {
        [Ok(from_prev), _] if from_prev != 0 => {
            refused(&next, from_prev, format!("`{prev}` says that its proof does not hold; one of the two deviated"))
        }
        [_, Ok(from_next)] if from_next != 0 => {
            refused(&next, from_next, format!("it says that our own proof does not hold; or `{prev}`, who verifies it too, deviated"))
        }
        [from_prev, from_next] => {
            from_prev.and(from_next)?;
            Ok(told.into_iter().collect::<std::result::Result<(), _>>()?)
        }
    }
}
