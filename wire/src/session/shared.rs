//! What a session's driver, its handles and its channels share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Notify, mpsc, watch};

use super::bind::{Instance, Side};
use super::lane::Lane;
use super::{SessionConfig, SessionState};
use crate::carrier::Connection;
use crate::identity::NodeName;
use crate::{Error, Result};

/// Label of what is exported for attestation: nothing else is derived from it.
const ATTESTATION: &[u8] = b"yu-attested-session-v1\0";
/// Channels of one session; a peer cannot make us keep more.
const MAX_LANES: usize = 1024;

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides have everything.
    Closed,
    /// We stopped, with our reason.
    Aborted(String),
    /// No connection within the limit, seconds.
    Lost(u64),
    /// The peer's process no longer knows the session.
    Restarted,
    /// The peer stopped, with its reason.
    Failed(String),
    /// The peer broke the session protocol.
    Broke(String),
    /// The peer's certificate or ours was refused on reconnecting: who and why.
    Refused(String, String),
}

impl End {
    pub(crate) fn error(&self, party: &str) -> Error {
        let party = party.to_owned();
        match self {
            Self::Closed | Self::Aborted(_) => Error::Closed,
            Self::Lost(after_s) => Error::PeerLost { party, after_s: *after_s },
            Self::Restarted => Error::PeerRestarted { party },
            Self::Failed(code) => Error::PeerFailed { party, code: code.clone() },
            Self::Broke(what) => Error::peer(&party, "session", what.clone()),
            Self::Refused(party, reason) => Error::Identity { party: party.clone(), reason: reason.clone() },
        }
    }

    fn state(&self, party: &str) -> SessionState {
        match self {
            Self::Closed => SessionState::Closed,
            Self::Aborted(code) => SessionState::Failed { reason: format!("stopped here: {code}") },
            other => SessionState::Failed { reason: other.error(party).to_string() },
        }
    }
}

/// What handles ask of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// A channel was made: the dialling side opens its stream.
    Open(u32),
    /// A stream of the connection with this generation broke.
    Broken(u64),
    /// End when the peer has everything.
    Close,
    /// End now and tell the peer why.
    Abort(String),
}

pub(crate) struct Shared {
    pub(crate) config: SessionConfig,
    /// The peer's role: its name in errors.
    pub(crate) party: String,
    pub(crate) peer: NodeName,
    pub(crate) side: Side,
    pub(crate) instance: Instance,
    pub(crate) handle: tokio::runtime::Handle,
    pub(crate) status: watch::Sender<SessionState>,
    end: OnceLock<End>,
    lanes: Mutex<BTreeMap<u32, Arc<Lane>>>,
    commands: mpsc::UnboundedSender<Command>,
    /// Frames arrived on a channel since the driver last looked.
    pub(crate) heard: AtomicBool,
    /// An acknowledgement is due.
    pub(crate) ack_due: Notify,
    /// The peer has closed and been told how much there is to come.
    is_closing: AtomicBool,
    /// What evidence can be bound to; `None` while there is no connection.
    ends: Mutex<Option<Ends>>,
}

/// What only the two ends of the present connection of a session know, and who the other end is.
#[derive(Clone, PartialEq, Eq)]
pub struct Ends {
    /// 32 bytes exported from the connection for attestation; they differ for each connection.
    pub exporter: [u8; 32],
    /// The peer's leaf certificate, DER.
    pub peer_leaf: Vec<u8>,
    /// Counts the connections of the session; evidence made for one is not good for the next.
    pub generation: u64,
}

impl Shared {
    pub(crate) fn new(
        config: SessionConfig,
        peer: NodeName,
        side: Side,
        instance: Instance,
        handle: tokio::runtime::Handle,
        state: SessionState,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let shared = Self {
            party: config.peer_role.clone(),
            config,
            peer,
            side,
            instance,
            handle,
            status: watch::Sender::new(state),
            end: OnceLock::new(),
            lanes: Mutex::default(),
            commands,
            heard: AtomicBool::new(false),
            ack_due: Notify::new(),
            is_closing: AtomicBool::new(false),
            ends: Mutex::new(None),
        };
        (Arc::new(shared), receiver)
    }

    /// The session's end as an error, once it has ended.
    pub(crate) fn check(&self) -> Result<()> {
        match self.end.get() {
            Some(end) => Err(end.error(&self.party)),
            None => Ok(()),
        }
    }

    /// The present connection, or none.
    pub(crate) fn connected(&self, link: Option<(&Connection, u64)>) {
        let ends = link.map(|(conn, generation)| Ends {
            exporter: conn.export_keying_material(ATTESTATION, &self.config.session_id),
            peer_leaf: conn.peer_certificate().to_vec(),
            generation,
        });
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    pub(crate) fn ends(&self) -> Option<Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`check`](Self::check), and [`Error::Closed`] when nothing more may be sent.
    pub(crate) fn check_sends(&self) -> Result<()> {
        if self.is_closing.load(Ordering::Relaxed) { Err(Error::Closed) } else { self.check() }
    }

    /// The peer has closed: what is sent from now on would not arrive.
    pub(crate) fn refuse_sends(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) -> Option<&End> {
        self.end.get()
    }

    /// Ends the session and wakes everybody who waits for it. The first end counts.
    pub(crate) fn finish(&self, end: End) {
        let end = self.end.get_or_init(|| end);
        self.status.send_replace(end.state(&self.party));
        for lane in self.lanes() {
            lane.wake();
        }
    }

    pub(crate) fn command(&self, command: Command) {
        let _ = self.commands.send(command); // no driver: the session has ended
    }

    pub(crate) fn broken(&self, generation: u64) {
        self.command(Command::Broken(generation));
    }

    /// All channels.
    pub(crate) fn lanes(&self) -> Vec<Arc<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The channel `id`, made if need be; `None` when there are too many.
    pub(crate) fn lane(&self, id: u32) -> Option<Arc<Lane>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = lanes.len() >= MAX_LANES;
        match lanes.get(&id) {
            Some(lane) => Some(lane.clone()),
            None if is_full => None,
            None => {
                let lane = Arc::new(Lane::new(id, self.config.replay_limit));
                lanes.insert(id, lane.clone());
                Some(lane)
            }
        }
    }

    /// Takes the note that frames have arrived.
    pub(crate) fn take_heard(&self) -> bool {
        self.heard.swap(false, Ordering::Relaxed)
    }
}

/// Held by every handle and channel: when all are gone without a close, the peer is told.
pub(crate) struct Owner(pub(crate) Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.command(Command::Abort("the session was dropped".into()));
    }
}
