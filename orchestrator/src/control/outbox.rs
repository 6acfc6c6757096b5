//! Messages that must arrive: kept in the store until the peer confirms, sent again after every fault or restart.

use super::Ask;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use std::collections::HashSet;

impl Node {
    /// Queues a message; [`Self::flush_outbox`] and the watchdog deliver it.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn send_later(&self, peer: &str, job: Option<&str>, ask: &Ask) -> Result<()> {
        let json = serde_json::to_string(ask).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        self.store().queue(peer, job, &json)
    }

    /// Delivers what can be delivered now, in order for each peer. A message that the peer understands and refuses is
    /// not sent again; one that did not reach it stays.
    pub fn flush_outbox(&self) {
        let Some(_turn) = self.outbox_turn() else { return };
        let mut away = HashSet::new();
        let Ok(waiting) = self.store().outbox() else { return };
        for (id, peer, request) in waiting {
            if away.contains(&peer) || self.is_stopping() {
                continue;
            }
            let Ok(ask) = serde_json::from_str::<Ask>(&request) else {
                // written by a version that this one cannot read: no retry would change that
                let _ = self.store().delivered(id);
                continue;
            };
            match self.ask(&peer, &ask) {
                Ok(_) => {
                    let _ = self.store().delivered(id);
                }
                Err(fault) if unreachable(fault.code) => {
                    away.insert(peer);
                }
                Err(fault) => {
                    tracing::warn!(peer, verb = ask.name(), code = fault.code.as_str(), "peer refused a message");
                    let _ = self.store().delivered(id);
                }
            }
        }
    }
}

/// Whether a fault says that the peer was not reached (then the message is kept).
pub(crate) fn unreachable(code: Code) -> bool {
    matches!(code, Code::Unreachable | Code::Transport | Code::PeerLost | Code::PeerRestarted | Code::PeerFailed | Code::Storage | Code::DiskFull)
}
