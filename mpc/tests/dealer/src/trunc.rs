//! Exact truncation: the proof is in [`yu_mpc::rep3`], with the same letters.
//!
//! The dealer knows the mask `r`; P0 and P1 open `c = x + 2^62 + r`. Then, for `|x| < 2^62`,
//! `y = (c >> F) - (r >> F) + msb(r) (1 - msb(c)) 2^(64-F) - 2^(62-F)` differs from `x / 2^F` by less than 1. `r >> F` is dealt in Z_2^64,
//! `msb(r)` in Z_{2^F}, since it is multiplied by `2^(64-F)`.

use yu_mpc::engine::Packed;
use yu_mpc::{Result, planes};
use zeroize::Zeroizing;

use crate::context::{Computing, Dealing, Role};
use crate::correlation::{Group, Secrets, receive, send};
use crate::steps::DealerStep;

/// Makes every admitted `x` non-negative.
const OFFSET: u64 = 1 << 62;

impl Role {
    /// Cuts `x` by `bits`, 1 to 62.
    pub(crate) fn truncated(&mut self, x: Secrets, bits: u32) -> Result<Secrets> {
        let len = x.len();
        let r = self.mask(Group::Ring, len)?;
        let ours = || {
            let mut ours = x;
            Group::Ring.add(&mut ours, &r);
            ours
        };
        let opened = self.open_masked(DealerStep::Trunc, Group::Ring, ours)?;
        let shifted = || Ok(Zeroizing::new(r.iter().map(|r| r >> bits).collect()));
        let s = self.deal(DealerStep::TruncShift, Group::Ring, len, shifted)?;
        let t = self.deal_top_bits(&r, bits)?;
        let (Some(mut y), Self::Computing(party)) = (opened, &*self) else {
            return Ok(Zeroizing::new(vec![0; len]));
        };
        for ((y, s), t) in y.iter_mut().zip(s.iter()).zip(t.iter()) {
            let c = y.wrapping_add(OFFSET);
            // TIMING: a product instead of a branch on `c`
            let wrap = (1 - (c >> 63)).wrapping_mul(*t) << (64 - bits);
            let public = if party.index == 0 { (c >> bits).wrapping_sub(OFFSET >> bits) } else { 0 };
            *y = public.wrapping_sub(*s).wrapping_add(wrap);
        }
        Ok(y)
    }

    /// The top bit of each `r`, shared in Z_{2^F}: P0's component from the key, P1's as bit planes. Empty at the dealer.
    fn deal_top_bits(&mut self, r: &[u64], bits: u32) -> Result<Secrets> {
        let step = DealerStep::TruncWrap;
        let width = r.len().div_ceil(64);
        match self {
            Self::Computing(Computing { index: 0, with_dealer, .. }) => with_dealer.draw(r.len()),
            Self::Computing(Computing { dealer, .. }) => {
                let words = receive(dealer, step, width * bits as usize)?;
                if r.is_empty() {
                    return Ok(Secrets::default());
                }
                let planes: Vec<Packed> = words.chunks_exact(width).map(|plane| Packed::from_words(plane.to_vec(), r.len())).collect();
                let planes = Zeroizing::new(planes);
                Ok(Zeroizing::new(planes::join(&planes.iter().collect::<Vec<_>>())))
            }
            Self::Dealing(Dealing { parties: [_, second], with: [first_key, _] }) => {
                let mut t = first_key.draw(r.len())?;
                t.iter_mut().zip(r).for_each(|(t, r)| *t = (r >> 63).wrapping_sub(*t));
                let planes = Zeroizing::new(planes::split(&t, bits));
                let words = Zeroizing::new(planes.iter().flat_map(|plane| plane.words().iter().copied()).collect::<Vec<u64>>());
                send(second, step, &words)?;
                Ok(Secrets::default())
            }
        }
    }
}
