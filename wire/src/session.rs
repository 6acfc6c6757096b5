//! Sessions: two nodes joined for one job, across cuts and changes of carrier.
//!
//! A session has an id (the contract's hash), a role on each side, one control stream and one stream for each
//! channel. Frames are kept until the peer has acknowledged them; when the connection is lost, the dialling side
//! makes another one, both sides sign again what they are bound to ([`BindSigner`]), tell each other where each
//! channel stands, and go on. Callers of a [`Channel`] notice a pause.
//!
//! | event | callers on both sides see |
//! |---|---|
//! | cut below the resume limit | a pause |
//! | cut above it | [`Error::PeerLost`] |
//! | the peer's process was restarted | [`Error::PeerRestarted`] |
//! | the peer calls [`Session::abort`] | [`Error::PeerFailed`] with its reason |
//! | either side has closed | [`Error::Closed`] |
//!
//! **Buffers.** Each channel holds at most [`SessionConfig::replay_limit`] bytes that the peer has not
//! acknowledged; then `send` waits, and reads ahead up to as much meanwhile. Two parties may therefore both send that
//! much before either receives, on every carrier; with more they may wait for each other.
//!
//! **Threads.** Channel calls block and run in the caller's thread; they must not be made inside the runtime.
//!
//! | file | subject |
//! |---|---|
//! | `bind` | what both sides sign |
//! | `link` | hello, signatures, where each channel goes on |
//! | `control` | acknowledgements, heartbeat, close |
//! | `resume` | the driver: finding the next connection |
//! | `hub`, `park` | the accepting side; where offers wait |
//! | `lane`, `replay`, `line` | one channel: order, resending, frames |
//! | `carry` | the channel's blocking face |

mod bind;
mod carry;
mod control;
mod hub;
mod lane;
mod line;
mod link;
mod park;
mod replay;
mod resume;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use bind::{BindSigner, BindVerifier};
pub use hub::{Offer, SessionHub, SessionOffer, classify};
pub use shared::Ends;

use self::bind::{Side, instance};
use self::carry::LaneCarry;
use self::shared::{Command, End, Owner, Shared};
use crate::carrier::{CarrierKind, Endpoint};
use crate::channel::Channel;
use crate::identity::NodeName;
use crate::meter::Meter;
use crate::{Error, Result};

/// Settings of a session; both sides have their own.
#[derive(Clone)]
pub struct SessionConfig {
    /// The contract's hash.
    pub session_id: [u8; 32],
    /// Our role in the contract.
    pub role: String,
    /// The peer's role; names it in errors and meters.
    pub peer_role: String,
    /// Signs for us.
    pub signer: Arc<dyn BindSigner>,
    /// Checks the peer's signature.
    pub verifier: Arc<dyn BindVerifier>,
    /// Which carrier the dialling side uses.
    pub carrier: CarrierKind,
    /// How long to wait for the session to come about.
    pub establish_limit: Duration,
    /// How long a lost connection may take to be replaced.
    pub resume_limit: Duration,
    /// Time between pings.
    pub heartbeat: Duration,
    /// Silence after which a connection counts as lost.
    pub dead_after: Duration,
    /// Bytes that a channel keeps for resending.
    pub replay_limit: usize,
    /// Counts this party's frames; share one among the sessions of a party in a job.
    pub meter: Arc<Meter>,
}

impl SessionConfig {
    /// Default limits: 30 s to begin, 60 s to resume, a ping every 2 s, 8 s of silence, 64 MiB.
    pub fn new(
        session_id: [u8; 32],
        role: impl Into<String>,
        peer_role: impl Into<String>,
        signer: Arc<dyn BindSigner>,
        verifier: Arc<dyn BindVerifier>,
    ) -> Self {
        Self {
            session_id,
            role: role.into(),
            peer_role: peer_role.into(),
            signer,
            verifier,
            carrier: CarrierKind::Auto,
            establish_limit: Duration::from_secs(30),
            resume_limit: Duration::from_secs(60),
            heartbeat: Duration::from_secs(2),
            dead_after: Duration::from_secs(8),
            replay_limit: 64 << 20,
            meter: Meter::new(),
        }
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionConfig({} with {})", self.role, self.peer_role)
    }
}

/// How a session is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Frames flow.
    Connected {
        /// QUIC or TCP.
        carrier: CarrierKind,
    },
    /// The connection is lost and another one is sought.
    Reconnecting {
        /// Since when.
        since: Instant,
    },
    /// Both sides have everything.
    Closed,
    /// It is over.
    Failed {
        /// Why, without values.
        reason: String,
    },
}

/// Two nodes joined for one job. Clones share it. When the last clone and the last channel are dropped without
/// [`close`](Self::close), the peer is told.
#[derive(Clone)]
pub struct Session(Arc<Owner>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} with {}: {:?})", self.shared().config.role, self.shared().party, self.state())
    }
}

impl Session {
    fn new(owner: Arc<Owner>) -> Self {
        Self(owner)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    /// Opens a session with `peer` at `addr`; tries until it stands or `config.establish_limit` has passed.
    ///
    /// # Errors
    /// [`Error::PeerLost`] in the latter case; [`Error::Identity`] if a certificate is refused; [`Error::PeerFailed`] or
    /// [`Error::Peer`] if the peer does not accept the binding, or we do not accept the peer's.
    pub async fn dial(endpoint: &Endpoint, addr: &str, peer: &NodeName, config: SessionConfig) -> Result<Self> {
        let limit = config.establish_limit;
        let state = SessionState::Reconnecting { since: Instant::now() };
        let (shared, commands) = Shared::new(config, peer.clone(), Side::Dial, instance()?, endpoint.handle().clone(), state);
        let mut counter = 0;
        let link = tokio::time::timeout(limit, resume::redial(&shared, endpoint, addr, &mut counter, None)).await;
        match link.unwrap_or(Err(End::Lost(limit.as_secs()))) {
            Ok(link) => {
                let source = resume::Source::Dial { endpoint: endpoint.clone(), addr: addr.to_owned(), counter };
                Ok(resume::start(shared, commands, link, source))
            }
            Err(end) => Err(end.error(&shared.party)),
        }
    }

    /// [`dial`](Self::dial) for a plain thread; not to be called inside the runtime.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub fn dial_blocking(endpoint: &Endpoint, addr: &str, peer: &NodeName, config: SessionConfig) -> Result<Self> {
        endpoint.handle().block_on(Self::dial(endpoint, addr, peer, config))
    }

    /// The channel `id`: what one side sends into it, the other side's channel of the same number receives.
    ///
    /// # Errors
    /// [`Error::Caller`] if it was made before or there are too many; the session's end.
    pub fn channel(&self, id: u32) -> Result<Channel> {
        let shared = self.shared();
        shared.check()?;
        let lane = shared.lane(id).ok_or_else(|| Error::Caller("too many channels in one session".into()))?;
        if lane.is_taken.swap(true, Ordering::AcqRel) {
            return Err(Error::Caller(format!("channel `{id}` was made before")));
        }
        shared.command(Command::Open(id));
        let carry = LaneCarry::new(self.0.clone(), lane);
        Ok(Channel::from_carry(Box::new(carry), shared.party.clone(), id, shared.config.meter.clone()))
    }

    /// How it is doing.
    pub fn state(&self) -> SessionState {
        self.shared().status.borrow().clone()
    }

    /// Follows the state.
    pub fn watch(&self) -> watch::Receiver<SessionState> {
        self.shared().status.subscribe()
    }

    /// Calls `seen` with the present state and at every change until the session ends. Changes that follow each
    /// other at once may be seen as one.
    pub fn on_change(&self, seen: impl Fn(&SessionState) + Send + Sync + 'static) {
        let mut watch = self.watch();
        self.shared().handle.spawn(async move {
            loop {
                let state = watch.borrow_and_update().clone();
                seen(&state);
                if matches!(state, SessionState::Closed | SessionState::Failed { .. }) || watch.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// What evidence of an attested peer is bound to: keying material and the peer's certificate of the present connection.
    ///
    /// # Errors
    /// [`Error::Closed`] while there is no connection; the session's end. Without keying material there is no session.
    pub fn ends(&self) -> Result<Ends> {
        self.shared().check()?;
        self.shared().ends().ok_or(Error::Closed)
    }

    /// Counts this party's frames.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.shared().config.meter
    }

    /// The peer's name.
    pub fn peer(&self) -> &NodeName {
        &self.shared().peer
    }

    /// Waits until the peer's process has received everything that was sent, then ends the session on both sides. Frames that
    /// the peer has not read yet stay readable there.
    ///
    /// # Errors
    /// The session ended in another way, or the peer did not take everything within the resume limit.
    pub async fn close(&self) -> Result<()> {
        let shared = self.shared();
        let limit = shared.config.resume_limit + shared.config.dead_after;
        let mut watch = self.watch();
        shared.command(Command::Close);
        let ended = watch.wait_for(|state| matches!(state, SessionState::Closed | SessionState::Failed { .. }));
        if tokio::time::timeout(limit, ended).await.is_err() {
            self.abort("the session could not be closed in time");
            return Err(Error::PeerLost { party: shared.party.clone(), after_s: limit.as_secs() });
        }
        match shared.end() {
            None | Some(End::Closed) => Ok(()),
            Some(end) => Err(end.error(&shared.party)),
        }
    }

    /// [`close`](Self::close) for a plain thread; not to be called inside the runtime.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn close_blocking(&self) -> Result<()> {
        self.shared().handle.block_on(self.close())
    }

    /// Ends the session now and tells the peer why, by a value-free `code`; our own callers see [`Error::Closed`].
    pub fn abort(&self, code: &str) {
        self.shared().command(Command::Abort(code.to_owned()));
    }
}
