//! A relay on loopback that cuts and loses, for tests: stands between two nodes on one port, UDP and TCP.
//!
//! The kernel that tests run on may have no network emulation; this relay needs none. A cut UDP path swallows
//! datagrams; a cut TCP path stands still, as a network does that swallows segments: connections neither move nor
//! end. [`Relay::sever`] ends TCP connections, as a firewall does that forgets them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;

use crate::carrier::{CarrierKind, bind_both};
use crate::{Error, Result};

/// Largest UDP payload.
const DATAGRAM: usize = 65_536;
/// UDP flows that are kept; a new client beyond them is dropped.
const MAX_FLOWS: usize = 1024;

/// The relay; stops when dropped.
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    target: SocketAddr,
    udp_open: watch::Sender<bool>,
    tcp_open: watch::Sender<bool>,
    /// Changes when TCP connections are to end.
    severed: watch::Sender<u64>,
    stopped: watch::Sender<bool>,
    /// Lost datagrams in 2^32.
    loss: AtomicU32,
    /// State of the generator that decides which ones; fixed at the start, so that runs repeat.
    dice: AtomicU64,
}

impl Relay {
    /// Starts a relay to `target` on a free port of the same address.
    ///
    /// # Errors
    /// No port, or called outside of a runtime.
    pub fn start(handle: &tokio::runtime::Handle, target: SocketAddr) -> Result<Self> {
        let _context = handle.enter();
        let (udp, tcp) = bind_both(SocketAddr::new(target.ip(), 0))?;
        let failed = |source| Error::Transport { what: "relay".into(), source };
        let address = tcp.local_addr().map_err(failed)?;
        udp.set_nonblocking(true).map_err(failed)?;
        tcp.set_nonblocking(true).map_err(failed)?;
        let udp = UdpSocket::from_std(udp).map_err(failed)?;
        let tcp = TcpListener::from_std(tcp).map_err(failed)?;
        let state = Arc::new(State {
            target,
            udp_open: watch::Sender::new(true),
            tcp_open: watch::Sender::new(true),
            severed: watch::Sender::new(0),
            stopped: watch::Sender::new(false),
            loss: AtomicU32::new(0),
            dice: AtomicU64::new(0x9e37_79b9_7f4a_7c15),
        });
        tokio::spawn(until_stopped(state.clone(), relay_udp(state.clone(), Arc::new(udp))));
        tokio::spawn(until_stopped(state.clone(), relay_tcp(state.clone(), tcp)));
        Ok(Self { address, state })
    }

    /// Where to connect instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts UDP and TCP.
    pub fn cut(&self) {
        self.set(CarrierKind::Auto, false);
    }

    /// Lets both through again.
    pub fn restore(&self) {
        self.set(CarrierKind::Auto, true);
    }

    /// Cuts one carrier's path.
    pub fn cut_only(&self, kind: CarrierKind) {
        self.set(kind, false);
    }

    /// Lets one carrier through again.
    pub fn restore_only(&self, kind: CarrierKind) {
        self.set(kind, true);
    }

    /// Ends all TCP connections; new ones are possible.
    pub fn sever(&self) {
        self.state.severed.send_modify(|count| *count += 1);
    }

    /// Loses this share of all datagrams, 0 to 1.
    pub fn set_loss(&self, share: f64) {
        self.state.loss.store((share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32, Ordering::Relaxed);
    }

    fn set(&self, kind: CarrierKind, open: bool) {
        if kind != CarrierKind::Tcp {
            self.state.udp_open.send_replace(open);
        }
        if kind != CarrierKind::Quic {
            self.state.tcp_open.send_replace(open);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.stopped.send_replace(true);
    }
}

impl State {
    /// Whether a datagram gets through.
    fn passes(&self) -> bool {
        let lost = self.loss.load(Ordering::Relaxed);
        *self.udp_open.borrow() && (lost == 0 || self.roll() >= lost)
    }

    /// splitmix64, upper half.
    fn roll(&self) -> u32 {
        let mut z = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }
}

async fn until_stopped(state: Arc<State>, work: impl Future<Output = ()>) {
    let mut stopped = state.stopped.subscribe();
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn relay_udp(state: Arc<State>, socket: Arc<UdpSocket>) {
    let mut flows: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buf = vec![0; DATAGRAM];
    loop {
        let Ok((len, client)) = socket.recv_from(&mut buf).await else { continue };
        if !state.passes() {
            continue;
        }
        let flow = match flows.get(&client) {
            Some(flow) => flow.clone(),
            None if flows.len() >= MAX_FLOWS => continue,
            None => {
                let Some(flow) = new_flow(&state).await else { continue };
                tokio::spawn(until_stopped(state.clone(), answers(state.clone(), socket.clone(), flow.clone(), client)));
                flows.insert(client, flow.clone());
                flow
            }
        };
        let _ = flow.send(buf.get(..len).unwrap_or_default()).await; // a network may lose it
    }
}

async fn new_flow(state: &State) -> Option<Arc<UdpSocket>> {
    let socket = UdpSocket::bind(SocketAddr::new(state.target.ip(), 0)).await.ok()?;
    socket.connect(state.target).await.ok()?;
    Some(Arc::new(socket))
}

async fn answers(state: Arc<State>, socket: Arc<UdpSocket>, flow: Arc<UdpSocket>, client: SocketAddr) {
    let mut buf = vec![0; DATAGRAM];
    loop {
        match flow.recv(&mut buf).await {
            Ok(len) if state.passes() => {
                let _ = socket.send_to(buf.get(..len).unwrap_or_default(), client).await;
            }
            Ok(_) => {}
            // the target is down for now: ICMP says so
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn relay_tcp(state: Arc<State>, listener: TcpListener) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let state = state.clone();
        tokio::spawn(until_stopped(state.clone(), async move {
            let mut severed = state.severed.subscribe();
            severed.mark_unchanged();
            open(&state).await;
            let Ok(server) = TcpStream::connect(state.target).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (client_read, client_write) = client.into_split();
            let (server_read, server_write) = server.into_split();
            tokio::select! {
                _ = severed.changed() => {}
                _ = async { tokio::join!(copy(&state, client_read, server_write), copy(&state, server_read, client_write)) } => {}
            }
        }));
    }
}

/// Moves bytes while the path is open.
async fn copy(state: &State, mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf) {
    let mut buf = vec![0; DATAGRAM];
    while let Ok(len) = from.read(&mut buf).await {
        open(state).await;
        if len == 0 || to.write_all(buf.get(..len).unwrap_or_default()).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Waits until TCP gets through.
async fn open(state: &State) {
    let mut open = state.tcp_open.subscribe();
    let _ = open.wait_for(|open| *open).await; // the sender is `state`: waiting cannot fail
}
