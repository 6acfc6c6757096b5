//! Asking the running node.

use super::{AdminAsk, LIMIT, Question};
use crate::control::Answer;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Longest token.
const TOKEN: u64 = 256;

/// Where the token of the person who is logged in lies.
#[must_use]
pub fn session_file(home: &Home) -> PathBuf {
    std::env::var_os("YU_SESSION").filter(|path| !path.is_empty()).map_or_else(|| home.path("session"), PathBuf::from)
}

/// The token; without a file nobody is logged in.
fn session(home: &Home) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(session_file(home)).ok()?.take(TOKEN).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

/// Asks the node that lives in `home`.
///
/// # Errors
/// `node.not-running` when nobody listens; otherwise the node's own fault.
pub fn ask(home: &Home, question: &AdminAsk) -> Result<Value> {
    home.config()?;
    let down = |_| Fault::new(Code::NotRunning, format!("`{}`", home.dir().display()));
    let mut stream = UnixStream::connect(home.socket()).map_err(down)?;
    let question = Question { session: session(home), ask: question.clone() };
    let body = serde_json::to_vec(&question).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
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
