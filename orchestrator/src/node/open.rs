//! Opening a node's directory.

use super::links::Links;
use super::{Live, Node};
use crate::attempts::Attempts;
use crate::control::Door;
use crate::docket::book::Docket;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::journal::Journal;
use crate::keys::{Keys, now};
use crate::people::desk::Desk;
use crate::store::Store;
use crate::suite::Known;
use crate::vault::Vault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use yu_governance::id::PartyName;
use yu_governance::suite::Suite;
use yu_wire::carrier::{Endpoint, EndpointConfig, ProxyConfig};
use yu_wire::session::SessionHub;
use yu_wire::trust::TrustStore;
use zeroize::Zeroizing;

/// `[user:password@]host:port`.
fn proxy(text: &str) -> ProxyConfig {
    match text.rsplit_once('@') {
        Some((credentials, address)) => {
            ProxyConfig { address: address.to_owned(), credentials: Some(Zeroizing::new(credentials.to_owned())) }
        }
        None => ProxyConfig { address: text.to_owned(), credentials: None },
    }
}

/// Takes the directory for this process.
pub(super) fn lock(home: &Home) -> Result<File> {
    let path = home.path("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(|e| Fault::io(&e, &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Fault::new(Code::Exists, "another process runs this node").at(home.dir().display().to_string()))
        }
        Err(TryLockError::Error(e)) => Err(Fault::io(&e, &path)),
    }
}

impl Node {
    /// Opens keys, store and log, and binds the port.
    ///
    /// # Errors
    /// `node.port-in-use`, `storage.damaged`, `input.bad` with the field of node.toml.
    pub fn open(home: &Home, handle: Handle) -> Result<Arc<Self>> {
        let config = home.config()?;
        crate::suite::choose(config.crypto)?;
        let own_lock = lock(home)?;
        let keys = Keys::load(home, &config)?;
        let name = format!("yu://{}/{}/{}", config.environment, config.organisation, config.node);
        let checked: PartyName = name.parse()?;
        let store = Store::open(home)?;
        let trust = TrustStore::new();
        trust.add(&name.parse()?, &keys.root_der)?;
        for peer in store.peers()? {
            let der = STANDARD.decode(&peer.root).map_err(|_| Fault::new(Code::Damaged, "root certificate").party(peer.name.clone()))?;
            trust.add(&peer.name.parse()?, &der)?;
        }
        let journal = Journal::open(home, &store, &checked, &keys.signing, now())?;
        let mut wire = EndpointConfig::new(Arc::clone(&keys.identity), trust.clone(), handle.clone());
        wire.listen = config.listen;
        wire.proxy = config.proxy.as_deref().map(proxy);
        let known = (config.crypto == Suite::Gm).then(|| Known::new(&keys.signing));
        wire.inner = known.as_ref().map(Known::layer);
        let endpoint = handle.block_on(async { Endpoint::bind(wire) })?;
        let node = Arc::new(Self {
            home: home.clone(),
            hub: SessionHub::new(handle.clone()),
            door: Door::new(),
            links: Links::default(),
            vault: Vault::open(home)?,
            journal,
            live: Live::default(),
            docket: Docket::default(),
            attempts: Attempts::default(),
            desk: Desk::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            _lock: own_lock,
            name,
            config,
            keys,
            store,
            trust,
            endpoint,
            handle,
        });
        if let Some(known) = known {
            known.opened(&node);
        }
        crate::derive_keys::sweep(home)?;
        node.open_door()?;
        node.know_itself();
        Ok(node)
    }
}
