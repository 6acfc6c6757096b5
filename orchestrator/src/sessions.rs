//! A job's sessions: one to each other computing party, bound to the contract by both sides' signatures.

use crate::fault::{Code, Fault, Result};
use crate::job::training::speaks_with;
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yu_governance::audit::{Event, Verb};
use yu_governance::contract::{Contract, Role};
use yu_governance::sign::{PublicKey, SigningKey};
use yu_wire::channel::Channel;
use yu_wire::meter::Meter;
use yu_wire::session::{BindSigner, BindVerifier, Session, SessionConfig, SessionState};

/// Domain of binding signatures.
const DOMAIN: &str = "yu-session-bind-v1";

/// How long the parties of a job may be apart in their preparations, at least.
const ESTABLISH: Duration = Duration::from_secs(60);

/// The one channel of each session.
const CHANNEL: u32 = 1;

struct Signer(SigningKey);

impl BindSigner for Signer {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign_message(DOMAIN, message).to_vec()
    }
}

/// Knows the one party that may be at the other end.
struct Verifier {
    party: String,
    key: PublicKey,
}

impl BindVerifier for Verifier {
    fn verify(&self, role: &str, message: &[u8], signature: &[u8]) -> bool {
        role == self.party && self.key.verify_message(DOMAIN, message, signature).is_ok()
    }
}

/// Open sessions of a job with their channels.
pub struct Open {
    sessions: Vec<Session>,
    channels: HashMap<String, Channel>,
    meter: Arc<Meter>,
}

/// Opens sessions to the other computing parties that this one talks to, in the contract's order on every side.
///
/// # Errors
/// `peer.lost` when a party does not come, `peer.identity`, `signature.bad`.
pub fn open(node: &Arc<Node>, job: &str, contract: &Contract) -> Result<Open> {
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let limit = Duration::from_secs(node.config().limits.resume_limit_s);
    let mut open = Open::none();
    for party in partners(node, contract) {
        open.one(node, job, &party, id, limit.max(ESTABLISH))?;
    }
    Ok(open)
}

/// The other computing parties that this one talks to, in the contract's order.
pub fn partners(node: &Node, contract: &Contract) -> Vec<String> {
    let others = contract.with_role(Role::Computing).map(|p| p.name.to_string()).filter(|n| n != node.name());
    others.filter(|other| speaks_with(contract, node.name(), other)).collect()
}

impl Open {
    /// None yet.
    pub fn none() -> Self {
        Self { sessions: Vec::new(), channels: HashMap::new(), meter: Meter::new() }
    }

    /// Opens the session of this name with a party, which comes within `patience`.
    ///
    /// # Errors
    /// As [`open`].
    pub fn one(&mut self, node: &Arc<Node>, job: &str, party: &str, id: [u8; 32], patience: Duration) -> Result<()> {
        let signer: Arc<dyn BindSigner> = Arc::new(Signer(node.signing().duplicate()));
        let row = node.peer(party)?;
        let verifier = Arc::new(Verifier { party: party.to_owned(), key: crate::node::public_key(&row)? });
        let mut config = SessionConfig::new(id, node.name(), party, signer, verifier);
        config.carrier = node.carrier();
        config.resume_limit = Duration::from_secs(node.config().limits.resume_limit_s);
        // The other side may still be reading its data; a party that is gone is named by the watchdog before that.
        config.establish_limit = patience;
        config.meter = Arc::clone(&self.meter);
        let dials = match (&row.address, node.config().listen) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(_), Some(_)) => node.name() < party,
        };
        let session = match row.address {
            Some(address) if dials => Session::dial_blocking(node.endpoint(), &address, &party.parse()?, config),
            _ => node.hub().expect_blocking(&party.parse()?, config),
        }
        .map_err(|e| Fault::from(e).party(party))?;
        node.log(Event::new(Verb::SessionOpened).of(job)?.by(party)?)?;
        follow(node, job, party, &session);
        node.live().session(job, session.clone());
        self.channels.insert(party.to_owned(), session.channel(CHANNEL)?);
        self.sessions.retain(|earlier| earlier.peer().to_string() != party);
        self.sessions.push(session);
        Ok(())
    }
}

/// Writes cuts and resumptions into the job's story and the log.
fn follow(node: &Arc<Node>, job: &str, party: &str, session: &Session) {
    let (node, job, party) = (Arc::downgrade(node), job.to_owned(), party.to_owned());
    let last: Mutex<Option<bool>> = Mutex::new(None);
    session.on_change(move |state| {
        let Some(node) = node.upgrade() else { return };
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (verb, name, carrier) = match (state, *last) {
            (SessionState::Connected { carrier }, None) => (None, "session", format!("{carrier:?}")),
            (SessionState::Connected { carrier }, Some(false)) => (Some(Verb::SessionResumed), "session-resumed", format!("{carrier:?}")),
            (SessionState::Reconnecting { .. }, Some(true)) => (Some(Verb::SessionCut), "session-cut", String::new()),
            _ => return,
        };
        *last = Some(matches!(state, SessionState::Connected { .. }));
        let (job, party) = (job.clone(), party.clone());
        // the disk may be slow; the connection's task does not wait for it
        tokio::task::spawn_blocking(move || {
            let detail = json!({ "party": party, "carrier": carrier.to_lowercase() });
            let told = node.store().add_event(&job, name, &detail, now().unix());
            let logged = verb.map_or(Ok(()), |v| Event::new(v).of(&job).and_then(|e| e.by(&party)).and_then(|e| node.log(e)));
            if let Err(fault) = told.and(logged) {
                tracing::warn!(job, code = fault.code.as_str(), "session event not stored");
            }
        });
    });
}

impl Open {
    /// The channel to a party.
    ///
    /// # Errors
    /// `internal` for a party without session.
    pub fn channel(&mut self, party: &str) -> Result<&mut Channel> {
        self.channels.get_mut(party).ok_or_else(|| Fault::new(Code::Bug, "no channel").party(party))
    }

    /// Hands the channel to a party over.
    ///
    /// # Errors
    /// `internal` for a party without session.
    pub fn take(&mut self, party: &str) -> Result<Channel> {
        self.channels.remove(party).ok_or_else(|| Fault::new(Code::Bug, "no channel").party(party))
    }

    /// Takes a channel back, so that it lives until the sessions are closed.
    pub fn keep(&mut self, channel: Channel) {
        self.channels.insert(channel.peer().to_owned(), channel);
    }

    /// The session with a party.
    ///
    /// # Errors
    /// `internal` for a party without session.
    pub fn session(&self, party: &str) -> Result<Session> {
        let found = self.sessions.iter().find(|session| session.peer().to_string() == party);
        found.cloned().ok_or_else(|| Fault::new(Code::Bug, "no session").party(party))
    }

    /// Hands both channels to the engine.
    ///
    /// # Errors
    /// `internal` for a party without session.
    pub fn take_two(&mut self, prev: &str, next: &str) -> Result<(Channel, Channel)> {
        match (self.channels.remove(prev), self.channels.remove(next)) {
            (Some(prev), Some(next)) => Ok((prev, next)),
            _ => Err(Fault::new(Code::Bug, "no channel")),
        }
    }

    /// Takes them back, so that they live until the sessions are closed.
    pub fn give_back(&mut self, prev: Channel, next: Channel) {
        for channel in [prev, next] {
            self.channels.insert(channel.peer().to_owned(), channel);
        }
    }

    /// Ends the sessions when the peers have everything. A peer that does not confirm changes nothing any more: the
    /// protocol is over and the share is handed over next.
    pub fn close(self) {
        for session in &self.sessions {
            if let Err(e) = session.close_blocking() {
                tracing::debug!(error = %e, "session did not close in order");
            }
        }
    }

    /// Ends the sessions with a reason that the peers see.
    pub fn abort(&self, code: &str) {
        for session in &self.sessions {
            session.abort(code);
        }
    }
}
