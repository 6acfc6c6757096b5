//! Channels inside one process: tests, benches and examples run every party on its own thread.
//!
//! Frames are moved, not encoded, but buffers are bounded like those of a network ([`LIMIT`]), so that a protocol
//! which would block for ever on a real carrier does so here too. A side that is dropped lets the other read
//! what was sent and then answers [`crate::Error::PeerLost`] after 0 s.

use std::sync::Arc;

use crate::channel::Channel;
use crate::meter::Meter;
use crate::shape::Link;

pub(crate) mod queue;

/// Bytes in flight per direction before a sender waits; the replay limit of a session.
pub const LIMIT: usize = 64 << 20;

/// Two ends of one channel, each with a meter of its own. The first is `a`'s: its peer is `b`.
#[must_use]
pub fn pair(a: &str, b: &str) -> (Channel, Channel) {
    crate::shape::shaped_pair(a, b, Link::LOCAL)
}

/// All channels between the named parties: `mesh[i][j]` is party `i`'s channel to party `j`, `None` for `i == j`. The
/// channels of a party share its meter.
#[must_use]
pub fn mesh(names: &[&str]) -> Vec<Vec<Option<Channel>>> {
    crate::shape::shaped_mesh(names, Link::LOCAL)
}

/// As [`pair`], with given meters, channel id and limit of bytes in flight.
#[must_use]
pub fn pair_with(a: (&str, Arc<Meter>), b: (&str, Arc<Meter>), id: u32, limit: usize) -> (Channel, Channel) {
    crate::shape::connect(a, b, id, limit, Link::LOCAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::channel::Expect;
    use crate::step::Step;

    #[test]
    fn a_mesh_joins_everyone_with_everyone() {
        let names = ["a", "b", "c", "d"];
        let mut mesh = mesh(&names);
        for (i, j) in (0..4).flat_map(|i| (0..4).map(move |j| (i, j))) {
            assert_eq!(mesh[i][j].as_ref().map(Channel::peer), (i != j).then_some(names[j]));
            if i != j {
                let text = format!("{i} to {j}");
                mesh[i][j].as_mut().unwrap().send(Step(1), text.clone().into()).unwrap();
                let got = mesh[j][i].as_mut().unwrap().recv(Step(1), Expect::AtMost(9)).unwrap();
                assert_eq!(got, text);
            }
        }
        for row in &mesh {
            let mut channels = row.iter().flatten();
            let first = channels.next().unwrap();
            assert!(channels.all(|channel| Arc::ptr_eq(channel.meter(), first.meter())));
            assert_eq!(first.meter().totals().bytes_sent, 3 * (32 + 6));
        }
    }

    #[test]
    fn a_dropped_side_is_lost_after_its_last_word() {
        let (mut a, mut b) = pair("a", "b");
        a.send(Step(1), "vale".into()).unwrap();
        drop(a);
        assert_eq!(b.recv(Step(1), Expect::Exactly(4)).unwrap(), "vale");
        assert!(matches!(b.recv(Step(1), Expect::Exactly(4)), Err(Error::PeerLost { party, .. }) if party == "a"));
        assert!(matches!(b.recv(Step(1), Expect::Exactly(4)), Err(Error::Closed)));
        let (a, mut b) = pair("a", "b");
        drop(a);
        assert!(matches!(b.send(Step(1), "ave".into()), Err(Error::PeerLost { party, .. }) if party == "a"));
    }

    #[test]
    fn a_full_buffer_holds_the_sender_until_the_reader_or_the_end_comes() {
        let (mut a, mut b) = pair_with(("a", Meter::new()), ("b", Meter::new()), 7, 100);
        let sender = std::thread::spawn(move || {
            for _ in 0..10 {
                a.send(Step(1), vec![1; 60].into())?;
            }
            a.send(Step(1), vec![1; 60].into())?;
            a.send(Step(1), vec![1; 60].into())
        });
        for _ in 0..10 {
            assert_eq!(b.recv(Step(1), Expect::Exactly(60)).unwrap().len(), 60);
        }
        drop(b);
        assert!(matches!(sender.join().unwrap(), Err(Error::PeerLost { party, .. }) if party == "b"));
    }
}
