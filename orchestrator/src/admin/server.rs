//! Answering the command line.

use super::{AdminAsk, LIMIT};
use crate::control::Answer;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// Listens until the node stops. A socket file without a listener is left over from a crash and replaced; the lock on
/// the directory (see [`Node::open`]) already showed that no other process owns it.
///
/// # Errors
/// `storage.failed` when the socket cannot be made.
pub async fn serve(node: Arc<Node>) -> Result<()> {
    let path = node.home().socket();
    // a missing file is the normal case
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|e| Fault::io(&e, &path))?;
    loop {
        tokio::select! {
            () = node.stopped() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let node = Arc::clone(&node);
                tokio::spawn(async move {
                    // a command line that went away needs no answer
                    let _ = answer(node, stream).await;
                });
            }
        }
    }
    // leaving it behind would only cost the next start one removal
    let _ = std::fs::remove_file(&path);
    Ok(())
}

async fn answer(node: Arc<Node>, mut stream: tokio::net::UnixStream) -> std::io::Result<()> {
    let mut text = Vec::new();
    (&mut stream).take(LIMIT).read_to_end(&mut text).await?;
    let reply = match serde_json::from_slice::<AdminAsk>(&text) {
        Ok(ask) => {
            let work = tokio::task::spawn_blocking(move || crate::verbs::handle(&node, ask));
            work.await.unwrap_or_else(|_| Err(Fault::new(Code::Bug, "the verb panicked")))
        }
        Err(e) => Err(Fault::new(Code::Input, e.to_string()).at("admin socket")),
    };
    let reply: Answer = match reply {
        Ok(value) => Answer::Ok(value),
        Err(fault) => Answer::Fault(fault),
    };
    let body = serde_json::to_vec(&reply).unwrap_or_else(|_| b"null".to_vec());
    stream.write_all(&body).await?;
    stream.shutdown().await
}
