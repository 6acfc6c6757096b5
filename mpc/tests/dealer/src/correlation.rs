//! What every operation is made of: draw a mask, open what is masked, deal what belongs to the mask.
//!
//! Each function runs at all three parties. Its result is a share at P0 and P1; the dealer sees the masks themselves.

use yu_mpc::Result;
use yu_mpc::ring::{add_assign, sub_assign};
use yu_wire::channel::Channel;
use zeroize::Zeroizing;

use crate::context::{Computing, Dealing, Role};
use crate::steps::DealerStep;

/// Secrets that are wiped when they are given up.
pub(crate) type Secrets = Zeroizing<Vec<u64>>;

/// How components make a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Sum modulo 2^64.
    Ring,
    /// Exclusive or of 64 bits.
    Bits,
}

impl Group {
    pub(crate) fn add(self, to: &mut [u64], from: &[u64]) {
        match self {
            Self::Ring => add_assign(to, from),
            Self::Bits => to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from),
        }
    }

    pub(crate) fn sub(self, to: &mut [u64], from: &[u64]) {
        match self {
            Self::Ring => sub_assign(to, from),
            Self::Bits => self.add(to, from),
        }
    }
}

impl Role {
    /// A random value: shares of it at P0 and P1, itself at the dealer. No communication.
    pub(crate) fn mask(&mut self, group: Group, len: usize) -> Result<Secrets> {
        match self {
            Self::Computing(party) => party.with_dealer.draw(len),
            Self::Dealing(Dealing { with: [first, second], .. }) => {
                let mut sum = first.draw(len)?;
                group.add(&mut sum, &second.draw(len)?);
                Ok(sum)
            }
        }
    }

    /// Uniform values that nobody knows: P0 and P1 lack the other's share of a mask, the dealer lacks what both add to it (P0's share
    /// has it). No communication.
    pub(crate) fn unknown(&mut self, len: usize) -> Result<Secrets> {
        let mut share = self.mask(Group::Ring, len)?;
        match self {
            Self::Computing(party) => {
                let common = party.with_peer.draw(len)?;
                if party.index == 0 {
                    Group::Ring.add(&mut share, &common);
                }
            }
            Self::Dealing(_) => share.fill(0),
        }
        Ok(share)
    }

    /// Sends our masked share and returns the peer's; `None` at the dealer, who takes no part. P0 and P1 have to do this before they
    /// receive anything of the operation from the dealer, so that it is one round.
    pub(crate) fn swap(&mut self, step: DealerStep, ours: impl FnOnce() -> Secrets) -> Result<Option<[Secrets; 2]>> {
        let Self::Computing(party) = self else { return Ok(None) };
        let ours = ours();
        let mut theirs = Zeroizing::new(vec![0; ours.len()]);
        if !ours.is_empty() {
            party.peer.exchange_slice_u64(step, &ours, &mut theirs)?;
        }
        Ok(Some([ours, theirs]))
    }

    /// [`Self::swap`] and the sum of both: the masked value.
    pub(crate) fn open_masked(&mut self, step: DealerStep, group: Group, ours: impl FnOnce() -> Secrets) -> Result<Option<Secrets>> {
        Ok(self.swap(step, ours)?.map(|[mut sum, theirs]| {
            group.add(&mut sum, &theirs);
            sum
        }))
    }

    /// Shares a value that the dealer knows: P0's share comes from the key, P1's is sent. Empty at the dealer.
    pub(crate) fn deal(&mut self, step: DealerStep, group: Group, len: usize, value: impl FnOnce() -> Result<Secrets>) -> Result<Secrets> {
        match self {
            Self::Computing(Computing { index: 0, with_dealer, .. }) => with_dealer.draw(len),
            Self::Computing(Computing { dealer, .. }) => receive(dealer, step, len),
            Self::Dealing(Dealing { parties: [_, second], with: [first_key, _] }) => {
                let mut value = value()?;
                group.sub(&mut value, &first_key.draw(len)?);
                send(second, step, &value)?;
                Ok(Secrets::default())
            }
        }
    }
}

/// An empty message is not sent.
pub(crate) fn send(channel: &mut Channel, step: DealerStep, values: &[u64]) -> Result<()> {
    if !values.is_empty() {
        channel.send_slice_u64(step, values)?;
    }
    Ok(())
}

pub(crate) fn receive(channel: &mut Channel, step: DealerStep, len: usize) -> Result<Secrets> {
    let mut values = Zeroizing::new(vec![0; len]);
    if len > 0 {
        channel.recv_slice_u64(step, &mut values)?;
    }
    Ok(values)
}
