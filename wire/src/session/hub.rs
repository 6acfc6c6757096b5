//! The accepting side: tells sessions from requests, and brings connections to the sessions that wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::bind::{Hello, Side, instance};
use super::link::{self, CLOSED, Control, MAGIC, RESTARTED, Refused};
use super::park::{PARKED, Parking};
use super::resume::{Source, start};
use super::shared::{End, Shared};
use super::{Session, SessionConfig, SessionState};
use crate::carrier::Connection;
use crate::frame::FrameKind;
use crate::identity::NodeName;
use crate::{Error, Result, rpc};

/// Limit for a connection to say what it is for.
const CLASSIFY: Duration = Duration::from_secs(10);
/// Offers that one session has not looked at yet; more are dropped, the peer tries again.
const MAX_OFFERS: usize = 4;
/// Ended sessions with one peer whose end is remembered for it, if it was cut off when the end came.
const MAX_ENDED: usize = 64;

/// What a connection is for.
#[expect(clippy::large_enum_variant, reason = "made once for each connection and taken apart at once")]
pub enum Offer {
    /// Requests: [`rpc::accept`].
    Rpc(Connection),
    /// A session: [`SessionHub::offer`].
    Session(SessionOffer),
}

/// A connection that asks to carry a session.
pub struct SessionOffer {
    pub(crate) conn: Connection,
    pub(crate) control: Control,
    pub(crate) session: [u8; 32],
    pub(crate) hello: Vec<u8>,
    pub(crate) decoded: Hello,
}

impl SessionOffer {
    /// The session asked for.
    pub fn session_id(&self) -> &[u8; 32] {
        &self.session
    }

    /// Who asks.
    pub fn peer(&self) -> &NodeName {
        self.conn.peer().name()
    }
}

/// Reads the first bytes of a connection.
///
/// # Errors
/// The connection is silent for ten seconds, says something unknown, or wants a session without being admitted.
pub async fn classify(conn: Connection) -> Result<Offer> {
    let party = conn.peer().name().to_string();
    let lost = |source| Error::Transport { what: format!("connection from `{party}`"), source };
    let read = async {
        let (send, mut recv) = conn.accept_bi().await?;
        let magic: [u8; 8] = recv.read_array().await.map_err(lost)?;
        if magic == rpc::MAGIC {
            conn.keep_first((send, recv));
            return Ok(Offer::Rpc(conn.clone()));
        }
        if magic != MAGIC {
            return Err(Error::peer(&party, "connection", "it begins as nothing that is known"));
        }
        if !conn.peer().is_admitted() {
            return Err(Error::Identity { party: party.clone(), reason: "it may redeem its ticket, not open sessions".into() });
        }
        let session = recv.read_array().await.map_err(lost)?;
        let mut control = Control::new(send, recv);
        let (header, hello) = control.next().await.map_err(|_| Error::peer(&party, "session hello", "no frame"))?;
        if header.kind != FrameKind::Hello {
            return Err(Error::peer(&party, "session hello", "another frame"));
        }
        let decoded = Hello::decode(&hello, &party)?;
        Ok(Offer::Session(SessionOffer { conn: conn.clone(), control, session, hello: hello.into(), decoded }))
    };
    let result = tokio::time::timeout(CLASSIFY, read).await.unwrap_or_else(|_| Err(lost(std::io::ErrorKind::TimedOut.into())));
    if result.is_err() {
        conn.close();
    }
    result
}

/// The sessions of the accepting side. Clones share one hub.
#[derive(Clone)]
pub struct SessionHub {
    handle: tokio::runtime::Handle,
    inner: Arc<Mutex<Inner>>,
}

/// A session with two different peers is two entries.
type Key = (NodeName, [u8; 32]);

#[derive(Default)]
struct Inner {
    live: HashMap<Key, mpsc::Sender<SessionOffer>>,
    parked: Parking<SessionOffer>,
    ended: Vec<(Instant, Key, String)>,
}

impl SessionHub {
    /// An empty hub; its sessions run on `handle`.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        Self { handle, inner: Arc::default() }
    }

    /// Brings a connection to its session: waiting, running (it resumes), or not expected yet (the offer waits up to
    /// thirty seconds, beside a limited number of others of this peer). A peer that wants to resume what this process
    /// does not know is told so at once.
    pub fn offer(&self, offer: SessionOffer) {
        let key = (offer.peer().clone(), offer.session);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = inner.live.get(&key).cloned();
        if let Some(sender) = sender {
            if let Err(mpsc::error::TrySendError::Full(offer) | mpsc::error::TrySendError::Closed(offer)) = sender.try_send(offer) {
                offer.conn.close(); // the peer tries again
            }
            return;
        }
        let ended = inner.ended.iter().find(|(_, k, _)| *k == key).map(|(_, _, code)| code.clone());
        let resumes = offer.decoded.peer_instance.is_some();
        if let Some(code) = ended.or_else(|| resumes.then(|| RESTARTED.to_owned())) {
            self.handle.spawn(refuse(offer, code));
            return;
        }
        if let Err(offer) = inner.parked.put(Instant::now(), &key.0, key.1, offer) {
            offer.conn.close(); // the peer tries again
            return;
        }
        drop(inner);
        let hub = Arc::downgrade(&self.inner);
        self.handle.spawn(async move {
            tokio::time::sleep(PARKED).await;
            if let Some(hub) = hub.upgrade() {
                hub.lock().unwrap_or_else(PoisonError::into_inner).parked.expire(Instant::now());
            }
        });
    }

    /// How many offers of `peer` wait for their session to be expected.
    pub fn parked(&self, peer: &NodeName) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).parked.count(peer)
    }

    /// Waits for `peer` to open the session `config.session_id`, at most `config.establish_limit`.
    ///
    /// # Errors
    /// [`Error::PeerLost`] if it does not come; [`Error::Peer`] if it comes with a signature, role or state that the
    /// contract does not allow; [`Error::Caller`] if the session is expected twice.
    pub async fn expect(&self, peer: &NodeName, config: SessionConfig) -> Result<Session> {
        let key: Key = (peer.clone(), config.session_id);
        let (sender, mut offers) = mpsc::channel(MAX_OFFERS);
        {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.live.retain(|_, sender| !sender.is_closed());
            if inner.live.contains_key(&key) {
                return Err(Error::Caller(format!("session with `{peer}` is expected twice")));
            }
            inner.ended.retain(|(_, k, _)| *k != key);
            if let Some(offer) = inner.parked.take(Instant::now(), &key.0, &key.1) {
                let _ = sender.try_send(offer); // the queue is empty: it fits
            }
            inner.live.insert(key.clone(), sender);
        }
        let limit = config.establish_limit;
        let state = SessionState::Reconnecting { since: Instant::now() };
        let (shared, commands) = Shared::new(config, peer.clone(), Side::Accept, instance()?, self.handle.clone(), state);
        let establish = async {
            loop {
                let Some(offer) = offers.recv().await else { return Err(Error::Closed) };
                match link::answer(&shared, offer, None, None).await {
                    Ok(link) => return Ok(link),
                    Err(Refused::Again(e)) => tracing::debug!(error = %e, "session offer refused"),
                    Err(Refused::End(end)) => return Err(end.error(&shared.party)),
                }
            }
        };
        let lost = || Error::PeerLost { party: shared.party.clone(), after_s: limit.as_secs() };
        let established = tokio::time::timeout(limit, establish).await.unwrap_or_else(|_| Err(lost()));
        match established {
            Ok((link, counter)) => {
                let leave = Leave { hub: self.clone(), key };
                Ok(start(shared, commands, link, Source::Accept { offers, counter, leave }))
            }
            Err(e) => {
                self.inner.lock().unwrap_or_else(PoisonError::into_inner).live.remove(&key);
                Err(e)
            }
        }
    }

    /// [`expect`](Self::expect) for a plain thread; not to be called inside the runtime.
    ///
    /// # Errors
    /// As [`expect`](Self::expect).
    pub fn expect_blocking(&self, peer: &NodeName, config: SessionConfig) -> Result<Session> {
        self.handle.block_on(self.expect(peer, config))
    }
}

/// Takes a session off the hub when its driver ends.
pub(crate) struct Leave {
    hub: SessionHub,
    key: Key,
}

impl Leave {
    /// Remembers the end for `keep`, for a peer that could not be told.
    pub(crate) fn ended(self, end: &End, keep: Duration) {
        let code = match end {
            End::Closed => CLOSED.to_owned(),
            End::Aborted(code) => code.clone(),
            _ => RESTARTED.to_owned(),
        };
        let mut inner = self.hub.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.live.remove(&self.key);
        inner.ended.retain(|(until, ..)| *until > Instant::now());
        let mut of_peer = inner.ended.iter().enumerate().filter(|(_, (_, key, _))| key.0 == self.key.0).map(|(index, _)| index);
        if let Some(oldest) = of_peer.next()
            && of_peer.count() + 1 >= MAX_ENDED
        {
            inner.ended.remove(oldest);
        }
        inner.ended.push((Instant::now() + keep, self.key, code));
    }
}

async fn refuse(mut offer: SessionOffer, code: String) {
    offer.control.fail(&code, &offer.conn).await;
}
