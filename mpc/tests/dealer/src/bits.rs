//! Operations on bits: conjunctions, bits as ring elements, selections.

use yu_mpc::Result;
use yu_mpc::engine::Packed;
use zeroize::Zeroizing;

use crate::context::Role;
use crate::correlation::{Group, Secrets};
use crate::steps::DealerStep;

impl Role {
    /// `x & y` word by word, as the product in [`crate::product`].
    pub(crate) fn conjunction(&mut self, x: &[u64], y: &[u64]) -> Result<Secrets> {
        let len = x.len();
        let masks = self.mask(Group::Bits, 2 * len)?;
        let (a, b) = masks.split_at(len);
        let ours = || {
            let mut ours = Zeroizing::new([x, y].concat());
            Group::Bits.sub(&mut ours, &masks);
            ours
        };
        let opened = self.open_masked(DealerStep::And, Group::Bits, ours)?;
        let and_of_masks = || Ok(Zeroizing::new(a.iter().zip(b).map(|(a, b)| a & b).collect()));
        let mut z = self.deal(DealerStep::AndDeal, Group::Bits, len, and_of_masks)?;
        let (Some(opened), Self::Computing(party)) = (opened, &*self) else {
            return Ok(Zeroizing::new(vec![0; len]));
        };
        let (e, d) = opened.split_at(len);
        // P0 adds e d
        let public = if party.index == 0 { u64::MAX } else { 0 };
        for ((z, (e, d)), (a, b)) in z.iter_mut().zip(e.iter().zip(d)).zip(a.iter().zip(b)) {
            *z ^= (e & (b ^ (d & public))) ^ (a & d);
        }
        Ok(z)
    }

    /// Bits as 0 and 1: with a random bit `m` dealt in both ways and `e = b ^ m` opened, `b = e + (1 - 2e) m`.
    pub(crate) fn lifted(&mut self, bits: &Packed) -> Result<Secrets> {
        let len = bits.len();
        let m = self.mask(Group::Bits, len.div_ceil(64))?;
        let opened = self.open_masked(DealerStep::Lift, Group::Bits, || masked(bits, &m))?;
        let mut shares = self.deal(DealerStep::LiftDeal, Group::Ring, len, || Ok(spread(&m, len)))?;
        let (Some(e), Self::Computing(party)) = (opened, &*self) else {
            return Ok(Zeroizing::new(vec![0; len]));
        };
        for (share, e) in shares.iter_mut().zip(spread(&e, len).iter()) {
            let public = if party.index == 0 { *e } else { 0 };
            *share = flip(*share, *e).wrapping_add(public);
        }
        Ok(shares)
    }

    /// `b x`: with `m` as above, a mask `a` and `m a` dealt, and `e = b ^ m`, `d = x - a` opened:
    /// `b x = e x + (1 - 2e) m x` and `m x = m d + m a`. One round.
    pub(crate) fn selected(&mut self, bits: &Packed, x: &[u64]) -> Result<Secrets> {
        let (len, width) = (x.len(), bits.words().len());
        let m = self.mask(Group::Bits, width)?;
        let a = self.mask(Group::Ring, len)?;
        let ours = || {
            let mut ours = masked(bits, &m);
            ours.extend_from_slice(x);
            Group::Ring.sub(&mut ours[width..], &a);
            ours
        };
        let swapped = self.swap(DealerStep::Inject, ours)?;
        let products = || {
            let mut both = spread(&m, len);
            let with_mask: Secrets = Zeroizing::new(both.iter().zip(a.iter()).map(|(m, a)| m.wrapping_mul(*a)).collect());
            both.extend_from_slice(&with_mask);
            Ok(both)
        };
        let mut dealt = self.deal(DealerStep::InjectDeal, Group::Ring, 2 * len, products)?;
        let Some([mut opened, theirs]) = swapped else {
            return Ok(Zeroizing::new(vec![0; len]));
        };
        Group::Bits.add(&mut opened[..width], &theirs[..width]);
        Group::Ring.add(&mut opened[width..], &theirs[width..]);
        let (e, d) = opened.split_at(width);
        let (m, m_a) = dealt.split_at_mut(len);
        for ((((m, m_a), e), d), x) in m.iter_mut().zip(m_a.iter()).zip(spread(e, len).iter()).zip(d).zip(x) {
            let m_x = m.wrapping_mul(*d).wrapping_add(*m_a);
            *m = flip(m_x, *e).wrapping_add(e.wrapping_mul(*x));
        }
        Ok(Zeroizing::new(m.to_vec()))
    }
}

fn masked(bits: &Packed, mask: &[u64]) -> Secrets {
    let mut ours = Zeroizing::new(bits.words().to_vec());
    Group::Bits.sub(&mut ours, mask);
    ours
}

/// `(1 - 2e) value` for a bit `e`.
const fn flip(value: u64, e: u64) -> u64 {
    value.wrapping_sub(value.wrapping_mul(2 * e))
}

/// The first `len` bits as 0 and 1.
fn spread(words: &[u64], len: usize) -> Secrets {
    let mut out = Zeroizing::new(vec![0; len]);
    for (chunk, word) in out.chunks_mut(64).zip(words) {
        chunk.iter_mut().enumerate().for_each(|(at, bit)| *bit = word >> at & 1);
    }
    out
}
