//! Control connections to peers: one per peer, kept open, whichever side dialled; both sides may ask over it, so a node
//! that only dials out is asked as well.

use super::Node;
use crate::control::{self, Ask};
use crate::fault::{Code, Fault, Result};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, Instant};
use yu_wire::carrier::{CarrierKind, Connection};
use yu_wire::identity::NodeName;

/// How long a peer may take to answer a question: the slowest answer reads and filters a data set.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long an idle connection may take to show that it is alive. The process behind it may have been killed without a
/// word; then it is dialled again instead of waiting for an answer that cannot come.
const PULSE: Duration = Duration::from_secs(3);

/// What is left of a limit for one more step is at least this much.
const LEAST: Duration = Duration::from_secs(1);

/// A connection that answered this recently is taken to be alive.
const FRESH: Duration = Duration::from_secs(2);

/// An open control connection.
#[derive(Clone)]
struct Link {
    connection: Connection,
    answered: Instant,
    /// Tells it from its successors.
    number: u64,
}

/// Open control connections, and the turns that keep orders.
#[derive(Default)]
pub(super) struct Links {
    open: Mutex<HashMap<String, Link>>,
    count: AtomicU64,
    /// Peers to which a thread delivers at this moment.
    outbox: Mutex<HashSet<String>>,
    /// Tells those who dial that a peer came by itself.
    came: tokio::sync::Notify,
    merge: Mutex<()>,
    procedures: Mutex<()>,
    node: OnceLock<Weak<Node>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Node {
    /// Lets connections that this node dials be served by it as well.
    pub(super) fn know_itself(self: &Arc<Self>) {
        // set once at the start; a second call would be the same node
        let _ = self.links.node.set(Arc::downgrade(self));
    }

    /// Opens a connection to an address and demands one exact name.
    ///
    /// # Errors
    /// `network.unreachable`, `peer.identity`, `version.mismatch`, `env.mismatch`.
    pub fn dial(&self, address: &str, expect: &NodeName) -> Result<Connection> {
        self.dial_by(address, expect, self.carrier())
    }

    /// The same over one carrier.
    ///
    /// # Errors
    /// As [`Self::dial`].
    pub fn dial_by(&self, address: &str, expect: &NodeName, carrier: CarrierKind) -> Result<Connection> {
        self.handle.block_on(self.dial_async(address, expect, carrier))
    }

    async fn dial_async(&self, address: &str, expect: &NodeName, carrier: CarrierKind) -> Result<Connection> {
        let connection = self.endpoint.connect(address, expect, carrier).await.map_err(|e| {
            let fault = Fault::from(e).party(expect.to_string());
            if fault.code == Code::Transport { Fault { code: Code::Unreachable, ..fault }.at(address.to_owned()) } else { fault }
        })?;
        yu_wire::rpc::open(&connection).await.map_err(|e| Fault::from(e).party(expect.to_string()))?;
        Ok(connection)
    }

    /// The configured carrier.
    pub fn carrier(&self) -> CarrierKind {
        match self.config.carrier.as_str() {
            "quic" => CarrierKind::Quic,
            "tcp" => CarrierKind::Tcp,
            _ => CarrierKind::Auto,
        }
    }

    /// Remembers a connection that a peer opened.
    pub fn linked(&self, peer: &str, connection: Connection) {
        self.keep(peer, connection);
    }

    fn keep(&self, peer: &str, connection: Connection) -> Link {
        let link = Link { connection, answered: Instant::now(), number: self.links.count.fetch_add(1, Ordering::Relaxed) };
        lock(&self.links.open).insert(peer.to_owned(), link.clone());
        self.links.came.notify_waiters();
        link
    }

    /// The open connection to a peer, as soon as there is one.
    async fn came(&self, peer: &str) -> Link {
        let open = || lock(&self.links.open).get(peer).filter(|l| !l.connection.is_closed()).cloned();
        loop {
            // asked for first: who comes between the look and the wait is not missed
            let next = self.links.came.notified();
            match open() {
                Some(link) => return link,
                None => next.await,
            }
        }
    }

    /// Forgets a connection that is dead, unless another one took its place; returns that one.
    fn forget(&self, peer: &str, dead: &Link) -> Option<Link> {
        dead.connection.close();
        let mut open = lock(&self.links.open);
        if open.get(peer).is_some_and(|l| l.number == dead.number) {
            open.remove(peer);
        }
        open.get(peer).cloned()
    }

    /// Closes the connection of a peer that was removed.
    pub fn unlink(&self, peer: &str) {
        if let Some(link) = lock(&self.links.open).remove(peer) {
            link.connection.close();
        }
    }

    /// Asks a peer.
    ///
    /// # Errors
    /// The peer's fault, or why it could not be asked.
    pub fn ask(&self, peer: &str, ask: &Ask) -> Result<Value> {
        self.ask_within(peer, ask, PATIENCE)
    }

    /// Asks a peer with a limit for its answer; dialling is limited by it as well. An idle connection that turns out to
    /// be dead is dialled again.
    ///
    /// # Errors
    /// The peer's fault, or why it could not be asked.
    pub fn ask_within(&self, peer: &str, ask: &Ask, patience: Duration) -> Result<Value> {
        let end = Instant::now() + patience;
        let left = || end.saturating_duration_since(Instant::now()).max(LEAST);
        let kept = self.alive(peer, left());
        let mut dialled = kept.is_none();
        let mut link = match kept {
            Some(link) => link,
            None => self.link(peer, left())?,
        };
        loop {
            let answer = control::call_watched(self, &link.connection, ask, left());
            match &answer {
                // a fault with a party is the peer's own answer
                Err(fault) if control::unreachable(fault.code) && fault.party.is_none() => {
                    let other = self.forget(peer, &link);
                    if dialled || Instant::now() >= end {
                        return answer;
                    }
                    dialled = true;
                    link = match other {
                        Some(other) => other,
                        None => self.link(peer, left())?,
                    };
                }
                _ => {
                    if let Some(kept) = lock(&self.links.open).get_mut(peer).filter(|l| l.number == link.number) {
                        kept.answered = Instant::now();
                    }
                    return answer;
                }
            }
        }
    }

    /// The kept connection to a peer if it answers.
    fn alive(&self, peer: &str, patience: Duration) -> Option<Link> {
        let link = lock(&self.links.open).get(peer).cloned()?;
        if link.connection.is_closed() {
            return self.forget(peer, &link);
        }
        let silent =
            || control::call_within(self, &link.connection, &Ask::Hello, patience.min(PULSE)).is_err_and(|f| control::unreachable(f.code));
        if link.answered.elapsed() > FRESH && silent() { self.forget(peer, &link) } else { Some(link) }
    }

    /// Dials a peer; one that was restarted may come by itself before the dialled packets are sent again.
    fn link(&self, peer: &str, patience: Duration) -> Result<Link> {
        self.handle.block_on(async {
            tokio::select! {
                link = self.link_async(peer, patience) => link,
                link = self.came(peer) => Ok(link),
            }
        })
    }

    async fn link_async(&self, peer: &str, patience: Duration) -> Result<Link> {
        let row = self.peer(peer)?;
        let Some(address) = row.address else {
            return Err(Fault::new(Code::Unreachable, "it only dials out, and is not connected").party(peer));
        };
        let expect = peer.parse()?;
        let late =
            || Fault::new(Code::Unreachable, format!("no connection within {} s", patience.as_secs())).at(address.clone()).party(peer);
        let dial = tokio::time::timeout(patience, self.dial_async(&address, &expect, self.carrier()));
        let connection = dial.await.map_err(|_| late())??;
        if let Some(node) = self.links.node.get().and_then(Weak::upgrade)
            && let Some(pass) = self.door.dialled(connection.peer())
        {
            self.handle.spawn(control::serve_connection(node, connection.clone(), pass));
        }
        Ok(self.keep(peer, connection))
    }

    /// Dials every peer once, after a start: a process that was killed said no goodbye, and its peers would ask the connections
    /// of its last life until they turn out to be dead.
    pub(super) fn greet(self: &Arc<Self>) {
        for peer in self.store.peers().unwrap_or_default().into_iter().filter(|peer| peer.address.is_some()) {
            let node = Arc::clone(self);
            self.handle.spawn(async move {
                // away: it greets when it starts
                let _ = node.link_async(&peer.name, PATIENCE).await;
            });
        }
    }

    /// A node that only dials out keeps a connection to every peer that it can dial, so that it can be asked.
    pub fn keep_links(&self) {
        if self.config.listen.is_some() {
            return;
        }
        for peer in self.store.peers().unwrap_or_default() {
            let open = lock(&self.links.open).get(&peer.name).is_some_and(|l| !l.connection.is_closed());
            if !open && peer.address.is_some() {
                // unreachable now: the next round tries again
                let _ = self.link(&peer.name, PATIENCE);
            }
        }
    }

    /// One thread at a time delivers to a peer, so that its messages keep their order.
    pub(crate) fn outbox_turn(&self, peer: &str) -> Option<OutboxTurn<'_>> {
        lock(&self.links.outbox).insert(peer.to_owned()).then(|| OutboxTurn { node: self, peer: peer.to_owned() })
    }

    /// Whether a thread delivers to a peer at this moment.
    pub fn outbox_busy(&self, peer: &str) -> bool {
        lock(&self.links.outbox).contains(peer)
    }

    /// One thread at a time takes steps of procedures in.
    pub fn procedure_turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.links.procedures)
    }

    /// One thread at a time merges signatures.
    pub fn merge_turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.links.merge)
    }
}

/// The right to deliver to one peer; given back when dropped.
pub(crate) struct OutboxTurn<'a> {
    node: &'a Node,
    peer: String,
}

impl Drop for OutboxTurn<'_> {
    fn drop(&mut self) {
        lock(&self.node.links.outbox).remove(&self.peer);
    }
}
