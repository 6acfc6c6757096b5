//! Where offers wait whose session is not expected here yet: bounded for each peer, so that one peer's offers take no
//! place from another's, and for a limited time.

use std::time::{Duration, Instant};

use crate::identity::NodeName;

/// Offers of one peer that wait at once; more are given back.
pub(crate) const MAX_PARKED: usize = 16;
/// How long an offer waits.
pub(crate) const PARKED: Duration = Duration::from_secs(30);

/// The waiting offers.
pub(crate) struct Parking<T>(Vec<Waiting<T>>);

struct Waiting<T> {
    since: Instant,
    peer: NodeName,
    session: [u8; 32],
    offer: T,
}

impl<T> Default for Parking<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Parking<T> {
    /// Keeps an offer. An earlier one of the same session goes: its peer has given it up.
    ///
    /// # Errors
    /// Gives the offer back when this peer has [`MAX_PARKED`] others waiting.
    pub(crate) fn put(&mut self, now: Instant, peer: &NodeName, session: [u8; 32], offer: T) -> Result<(), T> {
        self.expire(now);
        self.0.retain(|w| w.session != session || w.peer != *peer);
        if self.count(peer) >= MAX_PARKED {
            return Err(offer);
        }
        self.0.push(Waiting { since: now, peer: peer.clone(), session, offer });
        Ok(())
    }

    /// The offer of a session that is expected from now on.
    pub(crate) fn take(&mut self, now: Instant, peer: &NodeName, session: &[u8; 32]) -> Option<T> {
        self.expire(now);
        let index = self.0.iter().position(|w| w.session == *session && w.peer == *peer)?;
        Some(self.0.swap_remove(index).offer)
    }

    /// Drops what has waited too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.0.retain(|w| now.saturating_duration_since(w.since) < PARKED);
    }

    /// How many offers of a peer wait.
    pub(crate) fn count(&self, peer: &NodeName) -> usize {
        self.0.iter().filter(|w| w.peer == *peer).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(org: &str) -> NodeName {
        format!("yu://dev/{org}/n1").parse().unwrap()
    }

    #[test]
    fn one_peer_takes_no_place_from_another() {
        let (now, bank, health) = (Instant::now(), name("bank"), name("health"));
        let mut parking = Parking::default();
        for i in 0..100 {
            assert_eq!(parking.put(now, &bank, [i; 32], i).is_ok(), usize::from(i) < MAX_PARKED);
        }
        assert_eq!(parking.put(now, &health, [0; 32], 200), Ok(()));
        assert_eq!(parking.take(now, &health, &[0; 32]), Some(200));
        assert_eq!(parking.take(now, &health, &[0; 32]), None);
        assert_eq!(parking.take(now, &bank, &[0; 32]), Some(0));
        // there is room again, and the later attempt at a session replaces the earlier one
        assert_eq!(parking.put(now, &bank, [50; 32], 50), Ok(()));
        assert_eq!(parking.put(now, &bank, [50; 32], 51), Ok(()));
        assert_eq!(parking.take(now, &bank, &[50; 32]), Some(51));
    }

    #[test]
    fn what_waited_too_long_is_gone() {
        let (start, bank) = (Instant::now(), name("bank"));
        let mut parking = Parking::default();
        assert_eq!(parking.put(start, &bank, [1; 32], 1), Ok(()));
        assert_eq!(parking.put(start + PARKED / 2, &bank, [2; 32], 2), Ok(()));
        assert_eq!(parking.take(start + PARKED, &bank, &[1; 32]), None);
        assert_eq!(parking.count(&bank), 1);
        parking.expire(start + PARKED * 2);
        assert_eq!(parking.count(&bank), 0);
    }
}
