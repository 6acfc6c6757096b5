//! Asking the running node.

use super::{AdminAsk, LIMIT};
use crate::control::Answer;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// Asks the node that lives in `home`.
///
/// # Errors
/// `node.not-running` when nobody listens; otherwise the node's own fault.
pub fn ask(home: &Home, question: &AdminAsk) -> Result<Value> {
    home.config()?;
    let down = |_| Fault::new(Code::NotRunning, format!("`{}`", home.dir().display()));
    let mut stream = UnixStream::connect(home.socket()).map_err(down)?;
    let body = serde_json::to_vec(question).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    stream.write_all(&body).map_err(down)?;
    stream.shutdown(std::net::Shutdown::Write).map_err(down)?;
    let mut text = Vec::new();
    stream.take(LIMIT).read_to_end(&mut text).map_err(down)?;
    if text.is_empty() {
        return Err(Fault::new(Code::NotRunning, "the node stopped before it answered"));
    }
    match serde_json::from_slice(&text).map_err(|e| Fault::new(Code::Bug, e.to_string()))? {
        Answer::Ok(value) => Ok(value),
        Answer::Fault(fault) => Err(fault),
    }
}
