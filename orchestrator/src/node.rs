//! The running node: its parts and how they are started and stopped.

mod links;
mod open;
mod run;

pub use run::up;

use crate::attempts::Attempts;
use crate::control::Door;
use crate::docket::book::Docket;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, NodeConfig};
use crate::journal::Journal;
use crate::keys::{Keys, now};
use crate::live::Live;
use crate::people::acting::bound;
use crate::people::desk::Desk;
use crate::store::{Change, Changed, NewJob, Object, PeerRow, Store};
use crate::ticket::NodeCard;
use crate::vault::Vault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use links::Links;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use yu_governance::audit::Event;
use yu_governance::canonical::Hash;
use yu_governance::id::document_hash;
use yu_governance::sign::{KeyRing, PublicKey, Signed, SignedType, SigningKey};
use yu_wire::carrier::Endpoint;
use yu_wire::session::SessionHub;
use yu_wire::trust::TrustStore;

/// One node.
pub struct Node {
    home: Home,
    config: NodeConfig,
    name: String,
    keys: Keys,
    store: Store,
    vault: Vault,
    journal: Journal,
    trust: TrustStore,
    endpoint: Endpoint,
    hub: SessionHub,
    door: Arc<Door>,
    links: Links,
    handle: tokio::runtime::Handle,
    live: Live,
    docket: Docket,
    attempts: Attempts,
    desk: Desk,
    stopping: AtomicBool,
    stop: Notify,
    /// Held for the life of the process: two processes on one directory would fork its log.
    _lock: std::fs::File,
}

impl Node {
    /// Its directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Its configuration.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// `yu://env/org/node`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its signing key.
    pub fn signing(&self) -> &SigningKey {
        &self.keys.signing
    }

    /// Its keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Its control store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its payloads.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What its jobs do at this moment.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// What the filed documents of the domain say.
    pub fn docket(&self) -> &Docket {
        &self.docket
    }

    /// What was tried and refused lately.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Who is logged in.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Its port.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sessions that peers open.
    pub fn hub(&self) -> &SessionHub {
        &self.hub
    }

    /// The organisations it trusts.
    pub fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Lets strangers to the door while an invitation is open; afterwards it closes by itself.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn open_door(&self) -> Result<()> {
        let end = self.store.last_invite(now().unix())?;
        self.trust.invite_until(end.and_then(|end| u64::try_from(end).ok()));
        Ok(())
    }

    /// The runtime that carries its connections.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        &self.handle
    }

    /// The audit log.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Appends to the audit log; the entry is on disk when this returns.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`: then nothing that the entry describes may happen.
    pub fn log(&self, event: Event) -> Result<()> {
        self.journal.append(bound(event), now())
    }

    /// Changes a job in one step of the store; what the log holds of it is on disk when this returns.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`: then nothing that depends on the change may happen. If only the log failed the change is
    /// stored, and its events are logged later.
    pub fn change(&self, change: &Change<'_>) -> Result<Changed> {
        let changed = self.store.change(change)?;
        if changed == Changed::Yes {
            self.settle()?;
        }
        Ok(changed)
    }

    /// Enters a job, as [`Node::change`]; false when it is known already.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn enter_job(&self, new: &NewJob<'_>) -> Result<bool> {
        let entered = self.store.enter(new)?;
        self.settle()?;
        Ok(entered)
    }

    /// Logs what the store keeps for the log.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn settle(&self) -> Result<()> {
        self.journal.settle(&self.store)
    }

    /// Logs peers of which the log does not say yet that they joined: their countersignatures count from then on.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`, `storage.damaged`.
    pub fn log_peers(&self) -> Result<()> {
        for peer in self.store.peers()? {
            let (name, key) = (peer.name.parse()?, public_key(&peer)?);
            self.journal.join(name, key, now())?;
        }
        Ok(())
    }

    /// Ends when the node is asked to stop.
    pub async fn stopped(&self) {
        let wait = self.stop.notified();
        if !self.is_stopping() {
            wait.await;
        }
    }

    /// Whether the node is on its way down.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Asks the node to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
    }

    /// Keys of this node and all its peers, for verifying signatures.
    ///
    /// # Errors
    /// `storage.damaged` when a stored key does not parse.
    pub fn ring(&self) -> Result<KeyRing> {
        let mut ring = KeyRing::new();
        ring.insert(&self.name, self.signing().public())?;
        for peer in self.store.peers()? {
            ring.insert(&peer.name, public_key(&peer)?)?;
        }
        Ok(ring)
    }

    /// A peer that was admitted by ticket.
    ///
    /// # Errors
    /// `peer.unknown`.
    pub fn peer(&self, name: &str) -> Result<PeerRow> {
        self.store.peer(name)?.ok_or_else(|| Fault::new(Code::PeerUnknown, format!("`{name}`")).party(name))
    }

    /// This node's card, signed by itself and, where the authority has, by the authority.
    ///
    /// # Errors
    /// `internal` when it has no canonical form.
    pub fn card(&self) -> Result<Signed<NodeCard>> {
        let card = NodeCard {
            v: 1,
            name: self.name.clone(),
            root: STANDARD.encode(&self.keys.root_der),
            signing_key: self.signing().public(),
            seal_key: hex::encode(self.keys.seal.public().0),
            address: self.config.advertise.clone().or_else(|| self.endpoint.listen_address().map(|a| a.to_string())),
            role: role_name(&self.config),
            controller: self.config.controller.clone(),
            zone: self.config.zone.clone(),
        };
        if let Some(kept) = self.store.object("card", &self.name)?
            && let Ok(signed) = serde_json::from_str::<Signed<NodeCard>>(&kept.json)
            && signed.payload == card
        {
            return Ok(signed);
        }
        Ok(Signed::sign(card, &self.name, self.signing())?)
    }

    /// Stores a signed document under its hash.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn store_signed<T: SignedType>(&self, kind: &str, id: &str, signed: &Signed<T>) -> Result<Hash> {
        let hash = payload_hash(&signed.payload)?;
        let json = serde_json::to_string(signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        self.store.put_object(kind, id, &hash.to_string(), &json, now().unix())?;
        Ok(hash)
    }

    /// Stores a signed document under its hash in one step with the event that the log will hold of it; that is on disk when
    /// this returns.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn keep_signed<T: SignedType>(
        &self,
        kind: &str,
        id: &str,
        signed: &Signed<T>,
        event: impl FnOnce(&Hash) -> Result<Event>,
    ) -> Result<Hash> {
        let hash = payload_hash(&signed.payload)?;
        let json = serde_json::to_string(signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        self.store.keep((kind, id), &hash.to_string(), &json, event(&hash)?, now().unix())?;
        self.settle()?;
        Ok(hash)
    }

    /// A stored signed document.
    ///
    /// # Errors
    /// `not-found`, `storage.damaged`.
    pub fn signed<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Signed<T>> {
        let object = self.store.object(kind, id)?.ok_or_else(|| Fault::new(Code::NotFound, format!("{kind} `{id}`")))?;
        parse(&object)
    }

    /// All stored signed documents of a kind.
    ///
    /// # Errors
    /// `storage.damaged`.
    pub fn all_signed<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<Signed<T>>> {
        self.store.objects(kind)?.iter().map(parse).collect()
    }
}

/// Hash under which a signed document is known to others: the document's type is its domain tag.
///
/// # Errors
/// `internal` when it has no canonical form.
pub fn payload_hash<T: SignedType>(payload: &T) -> Result<Hash> {
    Ok(document_hash(payload)?)
}

fn parse<T: DeserializeOwned>(object: &Object) -> Result<Signed<T>> {
    serde_json::from_str(&object.json).map_err(|_| Fault::new(Code::Damaged, "stored document does not parse").at(object.id.clone()))
}

/// The role as `node.toml` spells it.
pub fn role_name(config: &NodeConfig) -> String {
    serde_json::to_value(config.role).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A peer's signing key.
///
/// # Errors
/// `storage.damaged`.
pub fn public_key(peer: &PeerRow) -> Result<PublicKey> {
    serde_json::from_value(serde_json::Value::String(peer.signing_key.clone()))
        .map_err(|_| Fault::new(Code::Damaged, "signing key").party(peer.name.clone()))
}

/// A keyed-by-document helper for verbs: the text of a document with its hash.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Id.
    pub id: String,
    /// Hash.
    pub hash: String,
}
