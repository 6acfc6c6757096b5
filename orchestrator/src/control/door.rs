//! How much one caller may have this node do at once. Who exceeds a bound of questions waits; who exceeds a bound of
//! connections is sent away, or loses its oldest one.
//!
//! | | a peer | a stranger |
//! |---|---|---|
//! | who | admitted by ticket | everybody else that TLS lets in: an invitation is open, or its organisation is known |
//! | may ask | everything | to redeem a ticket, once, within [`STAYS`] |
//! | largest question | [`LIMIT`] | [`SMALL`] |
//! | questions that arrive or wait | [`OPEN`] | one |
//! | questions above [`SMALL`] that arrive or are answered | [`TURNS_OF_PEER`], [`TURNS`] of all peers | none |
//! | questions at work | [`TURNS_OF_PEER`], [`TURNS`] of all peers | [`TURNS_OF_STRANGERS`] of all strangers |
//! | time for a question to arrive | [`arrives_within`] | the same |
//! | connections that have not said what they are for | [`ARRIVING`], for ten seconds | counted below |
//! | connections for questions | [`SERVED`]: one more closes the oldest | [`OF_STRANGER`], [`STRANGERS`] of all |
//!
//! All incoming connections that carry no session: [`CONNECTIONS`].

use super::LIMIT;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use yu_wire::identity::NodeName;
use yu_wire::trust::Peer;

/// A question of this size costs no more to hold than the stream that brings it: nearly all are below.
pub(super) const SMALL: usize = 64 << 10;
/// How long a stranger's connection may last: a join takes seconds.
pub(super) const STAYS: Duration = Duration::from_secs(30);
const CONNECTIONS: usize = 256;
/// A cut ends the sessions of all jobs of a peer at once, and all come back at once.
const ARRIVING: usize = 32;
/// One is enough; former lives of a peer's process leave theirs behind until silence ends them.
const SERVED: usize = 8;
const STRANGERS: usize = 16;
const OF_STRANGER: usize = 2;
const OPEN: usize = 64;
/// Three peers with all their turns leave some for a fourth. With [`LIMIT`] it bounds the memory of a peer's questions, 128 MiB.
const TURNS_OF_PEER: usize = 8;
/// With [`LIMIT`] it bounds the memory of all questions, 512 MiB, and the threads that answer.
const TURNS: usize = 32;
const TURNS_OF_STRANGERS: usize = 4;

/// How long a question or an answer of this many bytes may take on the way: 10 s, and a second for each mebibyte, which a line of
/// 10 Mbit/s keeps.
pub(super) fn arrives_within(bytes: usize) -> Duration {
    Duration::from_secs(10 + (bytes.min(LIMIT) >> 20) as u64)
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// Admitted by ticket.
    Peer,
    /// May redeem a ticket.
    Stranger,
}

/// Strangers choose their names themselves, so their root belongs to it: nobody takes another one's places.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(Caller, NodeName, Vec<u8>);

impl Key {
    fn new(caller: Caller, peer: &Peer) -> Self {
        match peer {
            Peer::Admitted(name) => Self(caller, name.clone(), Vec::new()),
            Peer::Unadmitted(name, root) => Self(caller, name.clone(), root.clone()),
        }
    }
}

/// The bounds of one node.
pub(crate) struct Door {
    connections: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    turns_of_strangers: Arc<Semaphore>,
    large: Arc<Semaphore>,
    present: Mutex<HashMap<Key, Present>>,
}

/// What one caller has here at this moment.
struct Present {
    open: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    large: Arc<Semaphore>,
    arriving: usize,
    served: VecDeque<Arc<Notify>>,
}

/// Room for one more connection, whoever it is.
pub(crate) struct Room(#[expect(dead_code, reason = "held until dropped")] OwnedSemaphorePermit);

/// One connection that was let in; leaves when dropped.
pub(crate) struct Pass {
    door: Arc<Door>,
    key: Key,
    desk: Desk,
    is_arriving: bool,
    evicted: Arc<Notify>,
    _room: Option<Room>,
    _stranger: Option<OwnedSemaphorePermit>,
}

/// Where the questions of one caller queue.
#[derive(Clone)]
pub(super) struct Desk {
    caller: Caller,
    open: Arc<Semaphore>,
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    own_large: Arc<Semaphore>,
    all_large: Arc<Semaphore>,
}

/// The right to have a question answered; given back when dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "held until dropped")] [Option<OwnedSemaphorePermit>; 2]);

impl Door {
    /// Nobody is here.
    pub(crate) fn new() -> Arc<Self> {
        let bound = |n| Arc::new(Semaphore::new(n));
        Arc::new(Self {
            connections: bound(CONNECTIONS),
            strangers: bound(STRANGERS),
            turns: bound(TURNS),
            turns_of_strangers: bound(TURNS_OF_STRANGERS),
            large: bound(TURNS),
            present: Mutex::default(),
        })
    }

    fn present(&self) -> MutexGuard<'_, HashMap<Key, Present>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for one more connection that the other side opened.
    pub(crate) fn room(&self) -> Option<Room> {
        self.connections.clone().try_acquire_owned().ok().map(Room)
    }

    /// Lets a connection in that has not yet said what it is for; `None` when this caller has enough of them.
    pub(crate) fn enter(self: &Arc<Self>, room: Room, caller: Caller, peer: &Peer) -> Option<Pass> {
        let stranger = match caller {
            Caller::Peer => None,
            Caller::Stranger => Some(self.strangers.clone().try_acquire_owned().ok()?),
        };
        self.pass(Some(room), stranger, caller, peer)
    }

    /// A connection that this node opened itself: its peer may ask over it as well.
    pub(crate) fn dialled(self: &Arc<Self>, peer: &Peer) -> Option<Pass> {
        let mut pass = self.pass(None, None, Caller::Peer, peer)?;
        pass.serve();
        Some(pass)
    }

    fn pass(self: &Arc<Self>, room: Option<Room>, stranger: Option<OwnedSemaphorePermit>, caller: Caller, peer: &Peer) -> Option<Pass> {
        let key = Key::new(caller, peer);
        let mut present = self.present();
        let own = present.entry(key.clone()).or_insert_with(|| Present::new(caller));
        let full = match caller {
            Caller::Peer => room.is_some() && own.arriving >= ARRIVING,
            Caller::Stranger => own.arriving + own.served.len() >= OF_STRANGER,
        };
        if full {
            return None;
        }
        own.arriving += 1;
        let all = match caller {
            Caller::Peer => self.turns.clone(),
            Caller::Stranger => self.turns_of_strangers.clone(),
        };
        let (own_large, all_large) = (own.large.clone(), self.large.clone());
        let desk = Desk { caller, open: own.open.clone(), own: own.turns.clone(), all, own_large, all_large };
        Some(Pass { door: self.clone(), key, desk, is_arriving: true, evicted: Arc::default(), _room: room, _stranger: stranger })
    }
}

impl Present {
    fn new(caller: Caller) -> Self {
        let (open, turns) = match caller {
            Caller::Peer => (OPEN, TURNS_OF_PEER),
            Caller::Stranger => (OF_STRANGER, OF_STRANGER),
        };
        let bound = |n| Arc::new(Semaphore::new(n));
        Self { open: bound(open), turns: bound(turns), large: bound(turns), arriving: 0, served: VecDeque::new() }
    }
}

impl Pass {
    /// Who it was given to.
    pub(crate) fn caller(&self) -> Caller {
        self.desk.caller
    }

    /// The connection is for questions.
    pub(crate) fn serve(&mut self) {
        let mut present = self.door.present();
        let Some(own) = present.get_mut(&self.key).filter(|_| self.is_arriving) else { return };
        self.is_arriving = false;
        own.arriving = own.arriving.saturating_sub(1);
        own.served.push_back(self.evicted.clone());
        while own.served.len() > SERVED {
            if let Some(oldest) = own.served.pop_front() {
                oldest.notify_one();
            }
        }
    }

    /// Ends when this connection has to give way to a newer one of its peer.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Where its questions queue.
    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut present = self.door.present();
        let Some(own) = present.get_mut(&self.key) else { return };
        if self.is_arriving {
            own.arriving = own.arriving.saturating_sub(1);
        } else {
            own.served.retain(|other| !Arc::ptr_eq(other, &self.evicted));
        }
        // peers are few and stay: a new connection must not find fresh turns while the former ones are still used
        if self.key.0 == Caller::Stranger && own.arriving == 0 && own.served.is_empty() {
            present.remove(&self.key);
        }
    }
}

impl Desk {
    /// Largest question.
    pub(super) fn limit(&self) -> usize {
        match self.caller {
            Caller::Peer => LIMIT,
            Caller::Stranger => SMALL,
        }
    }

    /// A place for a question that begins to arrive.
    pub(super) async fn place(&self) -> Turn {
        Turn([self.open.clone().acquire_owned().await.ok(), None])
    }

    /// Memory for a question above [`SMALL`] that begins to arrive. It is no turn: one that trickles in holds up large questions
    /// of its own sender, and at worst those of others, but no answer.
    pub(super) async fn large(&self) -> Turn {
        let own = self.own_large.clone().acquire_owned().await.ok();
        Turn([own, self.all_large.clone().acquire_owned().await.ok()])
    }

    /// A turn to be answered, first among the caller's own questions, then among everybody's; first come, first served.
    pub(super) async fn turn(&self) -> Turn {
        let own = self.own.clone().acquire_owned().await.ok();
        Turn([own, self.all.clone().acquire_owned().await.ok()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(50);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn peer(org: &str) -> Peer {
        Peer::Admitted(format!("yu://dev/{org}/n1").parse().unwrap())
    }

    fn stranger(org: &str, root: u8) -> Peer {
        Peer::Unadmitted(format!("yu://dev/{org}/n1").parse().unwrap(), vec![root])
    }

    fn enter(door: &Arc<Door>, caller: Caller, peer: &Peer) -> Option<Pass> {
        door.enter(door.room()?, caller, peer)
    }

    #[test]
    fn who_exceeds_its_questions_waits_and_holds_up_nobody_else() {
        runtime().block_on(async {
            let door = Door::new();
            let bank = enter(&door, Caller::Peer, &peer("bank")).unwrap();
            let mut turns = Vec::new();
            for _ in 0..TURNS_OF_PEER {
                turns.push(timeout(SOON, bank.desk().turn()).await.unwrap());
            }
            assert!(timeout(SOON, bank.desk().turn()).await.is_err());
            // another connection of the same peer has no turns of its own, nor has one that comes after all are gone
            let again = enter(&door, Caller::Peer, &peer("bank")).unwrap();
            assert!(timeout(SOON, again.desk().turn()).await.is_err());
            drop((bank, again));
            let again = enter(&door, Caller::Peer, &peer("bank")).unwrap();
            assert!(timeout(SOON, again.desk().turn()).await.is_err());
            let health = enter(&door, Caller::Peer, &peer("health")).unwrap();
            assert!(timeout(SOON, health.desk().turn()).await.is_ok());
            turns.pop();
            assert!(timeout(SOON, again.desk().turn()).await.is_ok());
        });
    }

    #[test]
    fn all_peers_together_have_a_bound_that_strangers_do_not_share() {
        runtime().block_on(async {
            let door = Door::new();
            let mut turns = Vec::new();
            for i in 0..TURNS / TURNS_OF_PEER {
                let pass = enter(&door, Caller::Peer, &peer(&format!("p{i}"))).unwrap();
                for _ in 0..TURNS_OF_PEER {
                    turns.push(timeout(SOON, pass.desk().turn()).await.unwrap());
                }
            }
            let late = enter(&door, Caller::Peer, &peer("late")).unwrap();
            assert!(timeout(SOON, late.desk().turn()).await.is_err());
            let newcomer = enter(&door, Caller::Stranger, &stranger("newcomer", 1)).unwrap();
            assert!(timeout(SOON, newcomer.desk().turn()).await.is_ok());
            assert_eq!((late.desk().limit(), newcomer.desk().limit()), (LIMIT, SMALL));
        });
    }

    #[test]
    fn large_questions_that_arrive_take_no_turn() {
        runtime().block_on(async {
            let door = Door::new();
            let bank = enter(&door, Caller::Peer, &peer("bank")).unwrap();
            let mut trickling = Vec::new();
            for _ in 0..TURNS_OF_PEER {
                trickling.push(timeout(SOON, bank.desk().large()).await.unwrap());
            }
            assert!(timeout(SOON, bank.desk().large()).await.is_err());
            assert!(timeout(SOON, bank.desk().turn()).await.is_ok());
            let health = enter(&door, Caller::Peer, &peer("health")).unwrap();
            assert!(timeout(SOON, health.desk().large()).await.is_ok());
            trickling.pop();
            assert!(timeout(SOON, bank.desk().large()).await.is_ok());
            assert_eq!([0, SMALL, LIMIT].map(|bytes| arrives_within(bytes).as_secs()), [10, 10, 26]);
        });
    }

    #[test]
    fn connections_are_bounded_for_each_stranger_and_for_all() {
        let door = Door::new();
        let mut passes: Vec<Pass> = (0..OF_STRANGER).map(|_| enter(&door, Caller::Stranger, &stranger("bank", 1)).unwrap()).collect();
        assert!(enter(&door, Caller::Stranger, &stranger("bank", 1)).is_none());
        // the same name under another root is somebody else
        passes.push(enter(&door, Caller::Stranger, &stranger("bank", 2)).unwrap());
        for i in 0..STRANGERS - OF_STRANGER - 1 {
            passes.push(enter(&door, Caller::Stranger, &stranger(&format!("s{i}"), 1)).unwrap());
        }
        assert!(enter(&door, Caller::Stranger, &stranger("late", 1)).is_none());
        assert!(enter(&door, Caller::Peer, &peer("health")).is_some());
        passes.clear();
        assert!(enter(&door, Caller::Stranger, &stranger("late", 1)).is_some());
        assert!(door.present().keys().all(|k| k.0 == Caller::Peer), "what strangers had is forgotten");
    }

    #[test]
    fn a_peers_newest_connections_are_kept() {
        runtime().block_on(async {
            let door = Door::new();
            let mut passes = Vec::new();
            for _ in 0..=SERVED {
                let mut pass = enter(&door, Caller::Peer, &peer("bank")).unwrap();
                pass.serve();
                passes.push(pass);
            }
            assert!(timeout(SOON, passes[0].evicted()).await.is_ok());
            for pass in &passes[1..] {
                assert!(timeout(SOON, pass.evicted()).await.is_err());
            }
            let silent: Vec<Pass> = (0..ARRIVING).map(|_| enter(&door, Caller::Peer, &peer("bank")).unwrap()).collect();
            assert!(enter(&door, Caller::Peer, &peer("bank")).is_none());
            assert!(door.dialled(&peer("bank")).is_some(), "what this node dials itself has no such bound");
            drop(silent);
            assert!(enter(&door, Caller::Peer, &peer("bank")).is_some());
        });
    }
}
