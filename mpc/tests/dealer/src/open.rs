//! Into and out of shares.

use yu_mpc::Result;
use zeroize::Zeroizing;

use crate::context::{Computing, Dealing, Role};
use crate::correlation::{Group, Secrets, receive, send};
use crate::steps::DealerStep;

impl Role {
    /// Shares the input of a computing party: the other's share comes from the key that the dealer lacks. No communication.
    /// `own` are the values at the owner.
    pub(crate) fn input_of_computing(&mut self, owner: usize, group: Group, len: usize, own: Option<&[u64]>) -> Result<Secrets> {
        match self {
            Self::Computing(party) => {
                let drawn = party.with_peer.draw(len)?;
                let Some(own) = own else { return Ok(drawn) };
                debug_assert_eq!(owner, party.index, "values are given by the owner");
                let mut rest = Zeroizing::new(own.to_vec());
                group.sub(&mut rest, &drawn);
                Ok(rest)
            }
            Self::Dealing(_) => Ok(Zeroizing::new(vec![0; len])),
        }
    }

    /// Shares the inputs of the dealer, one after the other.
    pub(crate) fn input_of_dealer(&mut self, step: DealerStep, group: Group, own: Secrets, len: usize) -> Result<Secrets> {
        let shares = self.deal(step, group, len, || Ok(own))?;
        match self {
            Self::Computing(_) => Ok(shares),
            Self::Dealing(_) => Ok(Zeroizing::new(vec![0; len])),
        }
    }

    /// Tells all three. P0 and P1 mask what they send to the dealer by a share of zero from the key that it lacks.
    pub(crate) fn opened(&mut self, step: DealerStep, group: Group, share: &[u64]) -> Result<Vec<u64>> {
        let len = share.len();
        match self {
            Self::Computing(Computing { index, peer, dealer, with_peer, .. }) => {
                let zero = with_peer.draw(len)?;
                let mut masked = Zeroizing::new(share.to_vec());
                if *index == 0 {
                    group.add(&mut masked, &zero)
                } else {
                    group.sub(&mut masked, &zero)
                }
                // before we receive: all four messages are one round
                send(dealer, step, &masked)?;
                let mut sum = vec![0; len];
                if len > 0 {
                    peer.exchange_slice_u64(step, share, &mut sum)?;
                }
                group.add(&mut sum, share);
                Ok(sum)
            }
            Self::Dealing(Dealing { parties: [first, second], .. }) => {
                let mut sum = receive(first, step, len)?;
                group.add(&mut sum, &receive(second, step, len)?);
                Ok(std::mem::take(&mut *sum))
            }
        }
    }
}
