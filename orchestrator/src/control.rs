//! The control plane: what nodes ask each other outside a job's sessions.

mod message;
mod outbox;
mod server;

pub use message::{Answer, Ask, HelloAnswer, JobAnswer, LIMIT, OfferAnswer, ProposeAnswer};
pub(crate) use outbox::unreachable;
pub use server::serve_connection;

use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use serde_json::Value;
use std::time::Duration;
use yu_wire::carrier::Connection;

/// Asks over one connection.
///
/// # Errors
/// The peer's fault, or why it could not be asked.
pub fn call_within(node: &Node, connection: &Connection, ask: &Ask, patience: Duration) -> Result<Value> {
    let body = serde_json::to_vec(ask).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let reply = node.handle().block_on(yu_wire::rpc::call(connection, &body, LIMIT, patience))?;
    match serde_json::from_slice::<Answer>(&reply) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Fault(fault)) => Err(fault),
        Err(_) => Err(Fault::new(Code::PeerProtocol, "answer does not parse").at(ask.name())),
    }
}
