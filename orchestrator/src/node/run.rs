//! The life of the process: start, serve, stop.

use super::Node;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::job::watchdog;
use crate::{admin, control};
use std::sync::Arc;
use std::time::Duration;
use yu_governance::audit::{Event, Verb};
use yu_wire::carrier::Connection;
use yu_wire::session::Offer;

/// Runs the node that lives in `home` until it is asked to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn up(home: &Home) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
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
        tokio::spawn(accept(Arc::clone(&node)));
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
        let node = Arc::clone(&node);
        tokio::spawn(async move { dispatch(node, connection).await });
    }
}

async fn dispatch(node: Arc<Node>, connection: Connection) {
    match yu_wire::session::classify(connection).await {
        Ok(Offer::Rpc(connection)) => {
            let peer = connection.peer();
            if peer.is_admitted() {
                node.linked(&peer.name().to_string(), connection.clone());
            }
            control::serve_connection(node, connection).await;
        }
        Ok(Offer::Session(offer)) => node.hub.offer(offer),
        Err(e) => tracing::debug!(error = %e, "connection said nothing that is known"),
    }
}
