//! The control plane: what nodes ask each other outside a job's sessions.

mod absent;
mod door;
mod message;
mod outbox;
mod server;

pub(crate) use absent::not_here;
pub(crate) use door::{Caller, Door, Room};
pub use message::{Answer, Ask, HelloAnswer, JobAnswer, LIMIT, OfferAnswer, ProposeAnswer};
pub(crate) use outbox::unreachable;
pub(crate) use server::serve_connection;

use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use serde_json::Value;
use std::time::Duration;
use yu_wire::carrier::Connection;

/// A peer that does not answer a greeting for this long while it works on a question is gone.
const PULSE: Duration = Duration::from_secs(5);

/// Asks over one connection.
///
/// # Errors
/// The peer's fault, or why it could not be asked.
pub fn call_within(node: &Node, connection: &Connection, ask: &Ask, patience: Duration) -> Result<Value> {
    node.handle().block_on(call(connection, ask, patience))
}

/// The same, and greets the peer over the same connection meanwhile: a long question to a process that was killed ends
/// soon.
///
/// # Errors
/// As [`call_within`].
pub fn call_watched(node: &Node, connection: &Connection, ask: &Ask, patience: Duration) -> Result<Value> {
    node.handle().block_on(async {
        tokio::select! {
            answer = call(connection, ask, patience) => answer,
            fault = gone(connection) => Err(fault),
        }
    })
}

async fn gone(connection: &Connection) -> Fault {
    loop {
        tokio::time::sleep(PULSE).await;
        match call(connection, &Ask::Hello, PULSE).await {
            Err(fault) if unreachable(fault.code) => return fault,
            _ => {}
        }
    }
}

async fn call(connection: &Connection, ask: &Ask, patience: Duration) -> Result<Value> {
    let body = serde_json::to_vec(ask).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let reply = yu_wire::rpc::call(connection, &body, LIMIT, patience).await?;
    match serde_json::from_slice::<Answer>(&reply) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Fault(fault)) => Err(fault.reported_by(&connection.peer().name().to_string())),
        Err(_) => Err(Fault::new(Code::PeerProtocol, "answer does not parse").at(ask.name())),
    }
}
