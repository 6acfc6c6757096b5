//! Messages that must arrive: kept in the store until the peer confirms, sent again after every fault or restart.

use super::Ask;
use crate::fault::{Code, Result};
use crate::keys::now;
use crate::node::Node;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Seconds before a message is shown again to a peer that did not take it.
const PAUSE: i64 = 1;

/// What the job does not go on without.
fn must_arrive(verb: &str) -> bool {
    matches!(verb, "share" | "release")
}

impl Node {
    /// Queues a message; [`Self::flush_outbox`] and the node's postman deliver it.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn send_later(&self, peer: &str, job: Option<&str>, ask: &Ask) -> Result<()> {
        self.store().queue(peer, job, &ask.to_json()?)
    }

    /// Delivers what can be delivered now. Each peer has a thread of its own: one that is away delays nobody else.
    pub fn flush_outbox(&self) {
        let Ok(waiting) = self.store().outbox() else { return };
        let peers: BTreeSet<String> = waiting.into_iter().map(|(_, peer, _)| peer).collect();
        std::thread::scope(|scope| {
            for peer in &peers {
                scope.spawn(|| self.flush_peer(peer));
            }
        });
    }

    /// Delivers what waits for one peer, in order, until nothing is left or the peer is away. A message that the peer
    /// understands and refuses is not sent again, but for shares and results, which are not thrown away because the other side says
    /// no: they stay until the job gives them up, and those behind them go on. One that did not reach the peer stays. Returns at once when
    /// another thread is at it.
    pub fn flush_peer(&self, peer: &str) {
        let Some(_turn) = self.outbox_turn(peer) else { return };
        let mut last = 0;
        while let Ok(Some((id, request))) = self.store().next_for(peer, last, now().unix() - PAUSE) {
            if self.is_stopping() {
                return;
            }
            last = id;
            let ask = serde_json::from_str::<Ask>(&request);
            let verb = ask.as_ref().map_or("unreadable", Ask::name);
            // the log says so before a share or result leaves; that a job failed is told also when the disk is full
            if must_arrive(verb) && self.settle().is_err() {
                return;
            }
            match ask.map(|ask| self.ask(peer, &ask)) {
                // a peer that cannot write it down was reached: what is behind goes on
                Ok(Err(fault)) if unreachable(fault.code) && !(must_arrive(verb) && is_full(fault.code)) => return,
                Ok(Err(fault)) if must_arrive(verb) => {
                    if self.store().not_taken(id, &fault, now().unix()).unwrap_or(true) {
                        tracing::warn!(peer, verb, code = fault.code.as_str(), "peer did not take what it must take; tried again");
                    }
                    continue;
                }
                Ok(Err(fault)) => tracing::warn!(peer, verb, code = fault.code.as_str(), "peer refused a message"),
                // delivered, or written by a version that this one cannot read: no retry would change that
                Ok(Ok(_)) | Err(_) => {}
            }
            if self.store().delivered(id).is_err() {
                return;
            }
        }
    }

    /// Tries again whatever is undelivered, without waiting for it.
    pub fn flush_in_background(self: &Arc<Self>) {
        let Ok(waiting) = self.store().outbox() else { return };
        let peers: BTreeSet<String> = waiting.into_iter().map(|(_, peer, _)| peer).collect();
        for peer in peers.into_iter().filter(|p| !self.outbox_busy(p)) {
            let node = Arc::clone(self);
            std::thread::spawn(move || node.flush_peer(&peer));
        }
    }
}

fn is_full(code: Code) -> bool {
    matches!(code, Code::Storage | Code::DiskFull)
}

/// Whether a fault says that the peer was not reached (then the message is kept).
pub(crate) fn unreachable(code: Code) -> bool {
    matches!(
        code,
        Code::Unreachable | Code::Transport | Code::PeerLost | Code::PeerRestarted | Code::PeerFailed | Code::Storage | Code::DiskFull
    )
}
