//! A coordinator and parties in one process, joined by QUIC over loopback with mutual TLS.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::channel::Channel;
use yu_wire::identity::{Env, NodeIdentity, OrgRoot};
use yu_wire::meter::Meter;
use yu_wire::session::{BindSigner, BindVerifier, Session, SessionConfig, SessionHub};
use yu_wire::trust::TrustStore;

use crate::Result;
use crate::node::accept;

const DAY: i64 = 86_400;
const GATHER: Duration = Duration::from_secs(60);

/// Lines between one coordinator and its parties. Everything of it lives as long as it does.
pub(super) struct Lines {
    /// The coordinator's ends, in the order of the parties.
    pub(super) ours: Vec<Channel>,
    /// The parties' ends.
    pub(super) theirs: Vec<Channel>,
    _sessions: Vec<Session>,
    endpoints: Vec<Endpoint>,
    _runtime: Runtime,
}

/// The certificates alone tell who is who: there is no contract.
struct Binding(String);

impl BindSigner for Binding {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), message].concat()
    }
}

impl BindVerifier for Binding {
    fn verify(&self, role: &str, message: &[u8], signature: &[u8]) -> bool {
        role == self.0 && signature == self.sign(message)
    }
}

fn config(number: u8, own: &str, other: &str, meter: Arc<Meter>) -> SessionConfig {
    let mut config = SessionConfig::new([number; 32], own, other, Arc::new(Binding(own.into())), Arc::new(Binding(other.into())));
    config.carrier = CarrierKind::Quic;
    config.establish_limit = GATHER;
    config.meter = meter;
    config
}

impl Lines {
    /// Joins so many parties to `coordinator`.
    pub(super) fn new(coordinator: &str, parties: &[String]) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())?;
        let issue = |name: &str| -> Result<NodeIdentity> { Ok(OrgRoot::generate(Env::Dev, name)?.issue("bench", now - 60, now + DAY)?) };
        let (hub_identity, identities) = (issue(coordinator)?, parties.iter().map(|name| issue(name)).collect::<Result<Vec<_>>>()?);
        let trust = || -> Result<TrustStore> {
            let trust = TrustStore::new();
            for identity in identities.iter().chain([&hub_identity]) {
                trust.add(identity.name(), identity.root_der())?;
            }
            Ok(trust)
        };
        let hub_name = hub_identity.name().clone();
        let names: Vec<_> = identities.iter().map(|identity| identity.name().clone()).collect();
        let trusts = parties.iter().map(|_| trust()).collect::<Result<Vec<_>>>()?;
        let of_hub = trust()?;
        let mut listening = EndpointConfig::new(Arc::new(hub_identity), of_hub, runtime.handle().clone());
        listening.listen = Some(([127, 0, 0, 1], 0).into());
        let endpoint = Endpoint::bind(listening)?;
        let address = endpoint.listen_address().ok_or("the endpoint does not listen")?.to_string();
        let hub = SessionHub::new(runtime.handle().clone());
        runtime.spawn(accept(endpoint.clone(), hub.clone()));
        let mut lines = Self { ours: Vec::new(), theirs: Vec::new(), _sessions: Vec::new(), endpoints: vec![endpoint], _runtime: runtime };
        let meter = Meter::new();
        for (((name, identity), trust), number) in names.iter().zip(identities).zip(trusts).zip(1u8..) {
            let mut dialling = EndpointConfig::new(Arc::new(identity), trust, lines._runtime.handle().clone());
            dialling.listen = Some(([127, 0, 0, 1], 0).into());
            let endpoint = Endpoint::bind(dialling)?;
            let (own, other) = (name.org().to_owned(), coordinator.to_owned());
            let (theirs, ours) = std::thread::scope(|scope| {
                let dialled =
                    scope.spawn(|| Session::dial_blocking(&endpoint, &address, &hub_name, config(number, &own, &other, Meter::new())));
                let expected = hub.expect_blocking(name, config(number, &other, &own, meter.clone()));
                (dialled.join(), expected)
            });
            let (theirs, ours) = (theirs.map_err(|_| "a party panicked")??, ours?);
            lines.ours.push(ours.channel(0)?);
            lines.theirs.push(theirs.channel(0)?);
            lines._sessions.extend([ours, theirs]);
            lines.endpoints.push(endpoint);
        }
        Ok(lines)
    }

    /// Bytes that the coordinator sent and received so far, and its runtime: the ends are taken.
    pub(super) fn take(&mut self) -> (Vec<Channel>, Vec<Channel>) {
        (std::mem::take(&mut self.ours), std::mem::take(&mut self.theirs))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.endpoints.iter().for_each(Endpoint::close);
    }
}
