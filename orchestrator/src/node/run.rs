//! The life of the process: start, serve, stop.

use super::Node;
use crate::control::{Caller, Room};
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::job::watchdog;
use crate::{admin, control};
use std::sync::Arc;
use std::time::Duration;
use yu_governance::audit::{Event, Verb};
use yu_wire::carrier::Connection;
use yu_wire::session::Offer;
use yu_wire::trust::Peer;

/// Runs the node that lives in `home` until it is asked to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn up(home: &Home) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    // before any key is read
    crate::harden::process();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("yu-io")
        .build()
        .map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    // A write beyond RLIMIT_FSIZE would kill the process; with a handler it fails as a full disk does.
    let _too_large = {
        let _context = runtime.enter();
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(libc::SIGXFSZ))
            .map_err(|e| Fault::new(Code::Bug, e.to_string()))?
    };
    let node = Node::open(home, runtime.handle().clone())?;
    crate::harden::keep_in_memory(&*node);
    let was_restored = crate::backup::resume::waits(home);
    if was_restored {
        // peers that only dial out have to be let in to be asked
        runtime.spawn(accept(Arc::clone(&node)));
        crate::backup::resume::meet(&node)?;
    }
    node.log(Event::new(Verb::NodeStarted))?;
    watchdog::recover(&node);
    let watcher = {
        let node = Arc::clone(&node);
        std::thread::Builder::new()
            .name("yu-watchdog".into())
            .spawn(move || watchdog::watch(&node))
            .map_err(|e| Fault::new(Code::Bug, e.to_string()))?
    };
    let served = runtime.block_on(async {
        if !was_restored {
            tokio::spawn(accept(Arc::clone(&node)));
        }
        node.greet();
        tokio::select! {
            ended = admin::serve(Arc::clone(&node)) => ended,
            () = interrupted() => { node.stop(); Ok(()) }
        }
    });
    node.stop();
    // the watchdog looks at the flag every second
    let _ = watcher.join();
    node.endpoint.close();
    runtime.shutdown_timeout(Duration::from_secs(2));
    served
}

async fn interrupted() {
    let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

/// Takes connections and hands each to what its first bytes ask for.
async fn accept(node: Arc<Node>) {
    loop {
        let connection = tokio::select! {
            () = node.stopped() => return,
            accepted = node.endpoint.accept() => match accepted {
                Ok(connection) => connection,
                Err(yu_wire::Error::Closed) => return,
                Err(e) => {
                    tracing::debug!(error = %e, "connection refused");
                    continue;
                }
            },
        };
        let Some(room) = node.door.room() else {
            tracing::warn!(peer = %connection.peer().name(), "connection refused: too many are open");
            connection.close();
            continue;
        };
        tokio::spawn(dispatch(Arc::clone(&node), connection, room));
    }
}

async fn dispatch(node: Arc<Node>, connection: Connection, room: Room) {
    let caller = caller(&node, connection.peer().clone()).await;
    let Some(mut pass) = node.door.enter(room, caller, connection.peer()) else {
        tracing::debug!(peer = %connection.peer().name(), "connection refused: it has enough of them");
        connection.close();
        return;
    };
    match yu_wire::session::classify(connection.clone()).await {
        Ok(Offer::Rpc(connection)) => {
            pass.serve();
            if caller == Caller::Peer {
                node.linked(&connection.peer().name().to_string(), connection.clone());
            }
            control::serve_connection(node, connection, pass).await;
        }
        Ok(Offer::Session(offer)) if caller == Caller::Peer => node.hub.offer(offer),
        Ok(Offer::Session(_)) => {
            tracing::debug!(peer = %connection.peer().name(), "session refused: the node was not admitted by ticket");
            connection.close();
        }
        Err(e) => tracing::debug!(error = %e, "connection said nothing that is known"),
    }
}

/// A certificate of a known organisation is not enough: the node itself must have been admitted by ticket.
async fn caller(node: &Arc<Node>, peer: Peer) -> Caller {
    let node = Arc::clone(node);
    let known =
        tokio::task::spawn_blocking(move || peer.is_admitted() && node.store.peer(&peer.name().to_string()).is_ok_and(|p| p.is_some()));
    if known.await.unwrap_or(false) { Caller::Peer } else { Caller::Stranger }
}
