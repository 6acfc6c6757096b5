//! One party as a process: an endpoint, and in each run a session with every other party.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::channel::Channel;
use yu_wire::meter::Meter;
use yu_wire::session::{BindSigner, BindVerifier, Offer, Session, SessionConfig, SessionHub, classify};

use crate::Result;
use crate::cli::Plan;
use crate::hosts::{Hosts, resolve};
use crate::machine::Machine;
use crate::phase::{Clock, NAMES, Sample, Watch};
use crate::report::{PartyReport, Report};
use crate::work::{Input, Party};

/// How long to wait for the other machines to be started.
const GATHER: Duration = Duration::from_secs(300);

/// A party's place on the network.
pub struct Node {
    /// The transport's threads.
    pub runtime: Runtime,
    hosts: Hosts,
    index: usize,
    endpoint: Endpoint,
    hub: SessionHub,
}

/// The sessions of one run.
pub struct Joined {
    sessions: Vec<Session>,
    channels: Vec<Option<Channel>>,
}

impl Node {
    /// Takes the port of party `index`.
    ///
    /// # Errors
    /// Files or addresses that are not right; a port that is taken.
    pub fn start(hosts: Hosts, index: usize, io_threads: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(io_threads).enable_all().build()?;
        let mut config = EndpointConfig::new(Arc::new(hosts.identity(index)?), hosts.trust()?, runtime.handle().clone());
        config.listen = Some(resolve(&hosts.get(index)?.address)?);
        let endpoint = Endpoint::bind(config)?;
        let hub = SessionHub::new(runtime.handle().clone());
        runtime.spawn(accept(endpoint.clone(), hub.clone()));
        Ok(Self { runtime, hosts, index, endpoint, hub })
    }

    /// The hosts of the run.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Joins the other parties for run `number`: dials those with a lower number, waits for those with a higher one.
    ///
    /// # Errors
    /// A party that does not come or is refused.
    pub fn join(&self, number: u32, parties: usize, carrier: CarrierKind, meter: &Arc<Meter>) -> Result<Joined> {
        let mut joined = Joined { sessions: Vec::new(), channels: Vec::new() };
        for (other, name) in NAMES.iter().enumerate().take(parties) {
            if other == self.index {
                joined.channels.push(None);
                continue;
            }
            let host = self.hosts.get(other)?;
            let role = NAMES.get(self.index).copied().ok_or("no such party")?;
            let mut config = SessionConfig::new(session_id(number), role, *name, Arc::new(Binding(role)), Arc::new(Binding(name)));
            config.carrier = carrier;
            config.establish_limit = GATHER;
            config.meter = meter.clone();
            let session = if other < self.index {
                Session::dial_blocking(&self.endpoint, &host.address, &host.name, config)?
            } else {
                self.hub.expect_blocking(&host.name, config)?
            };
            joined.channels.push(Some(session.channel(0)?));
            joined.sessions.push(session);
        }
        Ok(joined)
    }

    /// Tells the peers that we go.
    pub fn stop(self) {
        self.endpoint.close();
        let _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await });
    }
}

impl Joined {
    /// Channel 0 of each session: item `j` leads to party `j`, none to ourselves.
    pub fn take_channels(&mut self) -> Vec<Option<Channel>> {
        std::mem::take(&mut self.channels)
    }

    /// Ends the sessions in order: waits until each peer has received everything.
    ///
    /// # Errors
    /// A peer that did not get everything.
    pub fn close(self) -> Result<()> {
        self.sessions.iter().try_for_each(Session::close_blocking).map_err(Into::into)
    }
}

/// Runs party `index` of `plan`; the other parties run elsewhere.
///
/// # Errors
/// The party's.
pub fn run(plan: &Plan, hosts: Hosts, index: usize, carrier: CarrierKind) -> Result<Report> {
    let parties = plan.protocol.parties();
    let name = *NAMES.get(index).ok_or("no such party")?;
    let mut report = PartyReport::new(index, name, Machine::here());
    let input = Input::new(plan.protocol, plan.size, index);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build()?;
    let node = Node::start(hosts, index, plan.io_threads)?;
    for number in 0..plan.runs {
        let sample = pool.install(|| one(plan, &node, number, parties, carrier, &input))?;
        report.samples.push(sample);
    }
    node.stop();
    Report::new(plan, vec![report])
}

fn one(plan: &Plan, node: &Node, number: u32, parties: usize, carrier: CarrierKind, input: &Input) -> Result<Sample> {
    let meter = Meter::new();
    let mut watch = Watch::start(Clock::Process, meter.clone());
    let mut joined = node.join(number, parties, carrier, &meter)?;
    let party = Party { protocol: plan.protocol, size: plan.size, index: node.index, session: session_id(number), input };
    party.run(joined.take_channels(), &mut watch)?;
    joined.close()?;
    Ok(watch.sample())
}

/// Names run `number`: all parties derive it alike. The inputs of benches are public, so it need not be fresh.
#[must_use]
pub fn session_id(number: u32) -> [u8; 32] {
    let mut id = *b"yu-benches: run number          ";
    if let Some(end) = id.last_chunk_mut::<4>() {
        *end = number.to_le_bytes();
    }
    id
}

/// Hands what arrives to the hub, until the endpoint is closed.
pub(crate) async fn accept(endpoint: Endpoint, hub: SessionHub) {
    loop {
        match endpoint.accept().await {
            Ok(conn) => {
                let hub = hub.clone();
                tokio::spawn(async move {
                    if let Ok(Offer::Session(offer)) = classify(conn).await {
                        hub.offer(offer);
                    }
                });
            }
            Err(yu_wire::Error::Closed) => return,
            Err(e) => eprintln!("refused: {e}"),
        }
    }
}

/// Stands where a node signs with the key in the contract: there is no contract here, the certificates alone tell who is who.
struct Binding(&'static str);

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
