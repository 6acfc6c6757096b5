//! Answering the command line.

use super::{LIMIT, Question};
use crate::control::Answer;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::node::Node;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// Where the socket is made before it gets its name. The kernel limits the length of a socket's path: this one is as long as
/// the final one, so that a path that is too long is found here.
const NURSERY: [&str; 2] = [".new", "admin"];

/// Listens until the node stops. A socket file without a listener is left over from a crash and replaced; the lock on
/// the directory (see [`Node::open`]) already showed that no other process owns it.
///
/// # Errors
/// `storage.failed` when the socket cannot be made.
pub async fn serve(node: Arc<Node>) -> Result<()> {
    let (listener, owner) = bind(node.home())?;
    loop {
        tokio::select! {
            () = node.stopped() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                if !may_speak(&stream, owner) {
                    continue;
                }
                let node = Arc::clone(&node);
                tokio::spawn(async move {
                    // a command line that went away needs no answer
                    let _ = answer(node, stream).await;
                });
            }
        }
    }
    // leaving it behind would only cost the next start one removal
    let _ = fs::remove_file(node.home().socket());
    Ok(())
}

/// Makes the socket, and says which user owns it. Whatever the umask and the permissions of the node's directory are,
/// there is no instant at which another user could connect: until it has its own permissions, it lies in a folder of mode
/// 0700.
fn bind(home: &Home) -> Result<(UnixListener, u32)> {
    let [folder, name] = NURSERY;
    let (nursery, path) = (home.path(folder), home.socket());
    let socket = nursery.join(name);
    // left over from a crash between the steps below; normally missing
    let _ = fs::remove_dir_all(&nursery);
    DirBuilder::new().mode(0o700).create(&nursery).map_err(|e| Fault::io(&e, &nursery))?;
    let listener = UnixListener::bind(&socket).map_err(|e| Fault::io(&e, &path))?;
    fs::set_permissions(&socket, Permissions::from_mode(0o600)).map_err(|e| Fault::io(&e, &path))?;
    let owner = fs::metadata(&socket).map_err(|e| Fault::io(&e, &path))?.uid();
    fs::rename(&socket, &path).map_err(|e| Fault::io(&e, &path))?;
    // an empty folder that stays would only be removed by the next start
    let _ = fs::remove_dir(&nursery);
    Ok((listener, owner))
}

/// The node's user and root; the kernel says who connected.
fn may_speak(stream: &UnixStream, owner: u32) -> bool {
    match stream.peer_cred() {
        Ok(other) if other.uid() == owner || other.uid() == 0 => true,
        Ok(other) => {
            tracing::warn!(uid = other.uid(), "another user tried to speak to this node");
            false
        }
        Err(e) => {
            tracing::warn!(error = %e, "the kernel does not say who connected");
            false
        }
    }
}

async fn answer(node: Arc<Node>, mut stream: UnixStream) -> std::io::Result<()> {
    let mut text = Vec::new();
    (&mut stream).take(LIMIT).read_to_end(&mut text).await?;
    let reply = match serde_json::from_slice::<Question>(&text) {
        Ok(Question { session, ask }) => {
            let work = tokio::task::spawn_blocking(move || crate::people::answer(&node, session.as_deref(), ask));
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
