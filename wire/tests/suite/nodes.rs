//! Nodes for the tests of carriers and sessions: each with its own runtime, as processes have.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::runtime::{Builder, Runtime};
use yu_wire::carrier::{CarrierKind, Connection, Endpoint, EndpointConfig};
use yu_wire::identity::{Env, NodeIdentity, NodeName, OrgRoot};
use yu_wire::session::{BindSigner, BindVerifier, Offer, SessionConfig, SessionHub, classify};
use yu_wire::trust::TrustStore;

pub(crate) const SESSION: [u8; 32] = [7; 32];

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
}

pub(crate) fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// An organisation with one node `n1`, valid for an hour.
pub(crate) struct Org {
    pub(crate) root: OrgRoot,
    pub(crate) identity: Arc<NodeIdentity>,
}

impl Org {
    pub(crate) fn new(env: Env, org: &str) -> Self {
        let root = OrgRoot::generate(env, org).unwrap();
        let identity = Arc::new(root.issue("n1", now() - 60, now() + 3600).unwrap());
        Self { root, identity }
    }

    pub(crate) fn name(&self) -> NodeName {
        self.identity.name().clone()
    }
}

pub(crate) fn trusting(orgs: &[&Org]) -> TrustStore {
    let trust = TrustStore::new();
    for org in orgs {
        trust.add(&org.name(), org.root.root_der()).unwrap();
    }
    trust
}

pub(crate) fn config(runtime: &Runtime, org: &Org, trust: TrustStore) -> EndpointConfig {
    let mut config = EndpointConfig::new(org.identity.clone(), trust, runtime.handle().clone());
    config.listen = Some(loopback());
    config
}

/// A node that hands incoming sessions to its hub and other events to `events`.
pub(crate) struct Node {
    pub(crate) runtime: Runtime,
    pub(crate) endpoint: Endpoint,
    pub(crate) hub: SessionHub,
    events: Mutex<mpsc::Receiver<yu_wire::Result<Connection>>>,
}

impl Node {
    pub(crate) fn start(org: &Org, trust: TrustStore, listen: Option<SocketAddr>) -> Self {
        let runtime = runtime();
        let mut config = config(&runtime, org, trust);
        config.listen = listen;
        Self::with(runtime, config)
    }

    pub(crate) fn with(runtime: Runtime, config: EndpointConfig) -> Self {
        let endpoint = Endpoint::bind(config).unwrap();
        let hub = SessionHub::new(runtime.handle().clone());
        let (sender, events) = mpsc::channel();
        let (accepting, offering) = (endpoint.clone(), hub.clone());
        runtime.spawn(async move {
            loop {
                match accepting.accept().await {
                    Ok(conn) => {
                        let (hub, sender) = (offering.clone(), sender.clone());
                        tokio::spawn(async move {
                            match classify(conn).await {
                                Ok(Offer::Session(offer)) => hub.offer(offer),
                                Ok(Offer::Rpc(conn)) => drop(sender.send(Ok(conn))),
                                Err(e) => drop(sender.send(Err(e))),
                            }
                        });
                    }
                    Err(yu_wire::Error::Closed) => return,
                    Err(e) => drop(sender.send(Err(e))),
                }
            }
        });
        Self { runtime, endpoint, hub, events: Mutex::new(events) }
    }

    pub(crate) fn address(&self) -> String {
        self.endpoint.listen_address().unwrap().to_string()
    }

    /// Ends as a killed process does: nothing is said to anybody.
    pub(crate) fn kill(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(5)); // dropped sessions have no driver any more
    }

    pub(crate) fn event(&self) -> yu_wire::Result<Connection> {
        self.event_within(Duration::from_secs(10)).unwrap()
    }

    pub(crate) fn event_within(&self, limit: Duration) -> Option<yu_wire::Result<Connection>> {
        self.events.lock().unwrap().recv_timeout(limit).ok()
    }
}

/// A stand-in for the parties' signing keys: a MAC under a key for each role.
pub(crate) struct Keys(pub(crate) &'static str);

fn mac(role: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(format!("key of {role}").as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

impl BindSigner for Keys {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        mac(self.0, message)
    }
}

impl BindVerifier for Keys {
    fn verify(&self, role: &str, message: &[u8], signature: &[u8]) -> bool {
        mac(role, message) == signature
    }
}

/// Short limits: silence is noticed after a second.
pub(crate) fn session(role: &'static str, peer: &'static str, carrier: CarrierKind) -> SessionConfig {
    let mut config = SessionConfig::new(SESSION, role, peer, Arc::new(Keys(role)), Arc::new(Keys(role)));
    config.carrier = carrier;
    config.establish_limit = Duration::from_secs(15);
    config.resume_limit = Duration::from_secs(20);
    config.heartbeat = Duration::from_millis(250);
    config.dead_after = Duration::from_secs(1);
    config
}
