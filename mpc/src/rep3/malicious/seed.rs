//! Seeds of the coefficients: both verifiers of a proof draw them from the key that the prover lacks, and each tells the prover one
//! half, when it has received everything that the coefficients are to check.

use zeroize::Zeroizing;

use super::steps::Check;
use crate::Result;
use crate::prg::{Key, Op, Purpose, SEED_LEN};
use crate::rep3::context::{Context, predecessor, successor};

const TAG: &[u8; 32] = b"yu-mpc/malicious/coefficients/v1";

/// The coefficients' keys in the three proofs.
pub(super) struct Seeds {
    /// As prover.
    pub(super) ours: Option<Key>,
    /// As left verifier.
    pub(super) lefts: Option<Key>,
    /// As right verifier.
    pub(super) rights: Option<Key>,
    /// The seeds in the same order: coins that prover and verifiers compare.
    pub(super) words: [[u64; 4]; 3],
}

fn key(words: [u64; 4], prover: usize) -> Key {
    let mut seed = Zeroizing::new([0; SEED_LEN]);
    for (slot, word) in seed.as_chunks_mut().0.iter_mut().zip(words) {
        *slot = word.to_le_bytes();
    }
    Key::derive(&seed, TAG, prover as u8)
}

impl Seeds {
    /// Tells each neighbour its half; `has` says whether we, our successor and our predecessor prove anything.
    pub(super) fn exchange(context: &mut Context, op: &Op, has: [bool; 3]) -> Result<Self> {
        let (mut as_left, mut as_right) = ([0; 4], [0; 4]);
        context.own_key.stream(Purpose::CheckSeed, op).fill(&mut as_left);
        context.next_key.stream(Purpose::CheckSeed, op).fill(&mut as_right);
        if has[1] {
            context.next.send_slice_u64(Check::SeedLow, &as_left[..2])?;
        }
        if has[2] {
            context.prev.send_slice_u64(Check::SeedHigh, &as_right[2..])?;
        }
        let mut ours = [0; 4];
        if has[0] {
            context.prev.recv_slice_u64(Check::SeedLow, &mut ours[..2])?;
            context.next.recv_slice_u64(Check::SeedHigh, &mut ours[2..])?;
        }
        let index = context.index;
        Ok(Self {
            ours: has[0].then(|| key(ours, index)),
            lefts: has[1].then(|| key(as_left, successor(index))),
            words: [ours, as_left, as_right],
            rights: has[2].then(|| key(as_right, predecessor(index))),
        })
    }
}
