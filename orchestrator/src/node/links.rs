//! Control connections to peers: one per peer, kept open, whichever side dialled; both sides may ask over it, so a node
//! that only dials out is asked as well.

use super::Node;
use crate::control::{self, Ask};
use crate::fault::{Code, Fault, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Duration;
use yu_wire::carrier::{CarrierKind, Connection};
use yu_wire::identity::NodeName;

/// How long a peer may take to answer a question: the slowest answer reads and filters a data set.
const PATIENCE: Duration = Duration::from_secs(60);

/// Open control connections, and the turns that keep orders.
#[derive(Default)]
pub(super) struct Links {
    open: Mutex<HashMap<String, Connection>>,
    outbox: Mutex<()>,
    merge: Mutex<()>,
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
        let connected = self.handle.block_on(self.endpoint.connect(address, expect, carrier));
        let connection = connected.map_err(|e| {
            let fault = Fault::from(e).party(expect.to_string());
            if fault.code == Code::Transport { Fault { code: Code::Unreachable, ..fault }.at(address.to_owned()) } else { fault }
        })?;
        self.handle.block_on(yu_wire::rpc::open(&connection)).map_err(|e| Fault::from(e).party(expect.to_string()))?;
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
        lock(&self.links.open).insert(peer.to_owned(), connection);
    }

    /// Asks a peer.
    ///
    /// # Errors
    /// The peer's fault, or why it could not be asked.
    pub fn ask(&self, peer: &str, ask: &Ask) -> Result<Value> {
        self.ask_within(peer, ask, PATIENCE)
    }

    /// Asks a peer with a limit. A connection that turns out to be dead is dialled again once.
    ///
    /// # Errors
    /// The peer's fault, or why it could not be asked.
    pub fn ask_within(&self, peer: &str, ask: &Ask, patience: Duration) -> Result<Value> {
        let kept = lock(&self.links.open).get(peer).cloned();
        if let Some(connection) = kept {
            match control::call_within(self, &connection, ask, patience) {
                Err(fault) if control::unreachable(fault.code) && fault.party.is_none() => {
                    lock(&self.links.open).remove(peer);
                    connection.close();
                }
                other => return other,
            }
        }
        let connection = self.link(peer)?;
        control::call_within(self, &connection, ask, patience)
    }

    fn link(&self, peer: &str) -> Result<Connection> {
        let row = self.peer(peer)?;
        let Some(address) = row.address else {
            return Err(Fault::new(Code::Unreachable, "it only dials out, and is not connected").party(peer));
        };
        let connection = self.dial(&address, &peer.parse()?)?;
        if let Some(node) = self.links.node.get().and_then(Weak::upgrade) {
            self.handle.spawn(control::serve_connection(node, connection.clone()));
        }
        self.linked(peer, connection.clone());
        Ok(connection)
    }

    /// A node that only dials out keeps a connection to every peer that it can dial, so that it can be asked.
    pub fn keep_links(&self) {
        if self.config.listen.is_some() {
            return;
        }
        for peer in self.store.peers().unwrap_or_default() {
            let open = lock(&self.links.open).get(&peer.name).is_some_and(|c| !c.is_closed());
            if !open && peer.address.is_some() {
                // unreachable now: the next round tries again
                let _ = self.link(&peer.name);
            }
        }
    }

    /// One thread at a time empties the outbox; the others need not wait for it.
    pub fn outbox_turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.links.outbox.try_lock().ok()
    }

    /// One thread at a time merges signatures.
    pub fn merge_turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.links.merge)
    }
}
