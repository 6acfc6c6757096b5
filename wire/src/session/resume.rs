//! The driver of a session: serves it on a connection, and finds the next one when that is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::bind::Instance;
use super::control::{After, Closing, serve};
use super::hub::{Leave, SessionOffer};
use super::link::{self, Link, Refused};
use super::shared::{Command, End, Owner, Shared};
use super::{Session, SessionState};
use crate::Error;
use crate::carrier::Endpoint;

/// Pauses between attempts: quick at first, for short cuts; then easy on the network.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Where the next connection comes from.
pub(crate) enum Source {
    /// We dial; `counter` numbers the attempts.
    Dial { endpoint: Endpoint, addr: String, counter: u64 },
    /// The peer dials.
    Accept { offers: mpsc::Receiver<SessionOffer>, counter: u64, leave: Leave },
}

/// Starts the driver on an established link.
pub(crate) fn start(shared: Arc<Shared>, commands: mpsc::UnboundedReceiver<Command>, link: Link, source: Source) -> Session {
    shared.connected(Some((&link.conn, 1)));
    shared.status.send_replace(SessionState::Connected { carrier: link.conn.kind() });
    shared.handle.spawn(drive(shared.clone(), commands, link, source));
    Session::new(Arc::new(Owner(shared)))
}

async fn drive(shared: Arc<Shared>, mut commands: mpsc::UnboundedReceiver<Command>, mut link: Link, mut source: Source) {
    let peer = link.peer_instance;
    let mut closing = Closing::default();
    let mut generation = 1;
    let end = loop {
        let mut offers = match &mut source {
            Source::Accept { offers, .. } => Some(offers),
            Source::Dial { .. } => None,
        };
        let after = serve(&shared, &mut link, generation, &mut commands, &mut offers, &mut closing).await;
        let next = match after {
            After::End(end) => Err(end),
            After::Lost => {
                link.conn.close();
                tracing::info!(peer = %shared.peer, "connection lost");
                let since = Instant::now();
                shared.connected(None);
                shared.status.send_replace(SessionState::Reconnecting { since });
                reconnect(&shared, &mut source, &mut commands, &mut closing, peer, since).await
            }
            After::Offered(offer) => match judge(&shared, &mut source, *offer, peer).await {
                Some(result) => result,
                None => continue, // not good: the present connection stays
            },
        };
        link.conn.close();
        match next {
            Ok(new) => link = new,
            Err(end) => break end,
        }
        generation += 1;
        tracing::info!(peer = %shared.peer, carrier = %link.conn.kind(), "session goes on");
        shared.connected(Some((&link.conn, generation)));
        shared.status.send_replace(SessionState::Connected { carrier: link.conn.kind() });
    };
    link.conn.close();
    if let Source::Accept { leave, .. } = source {
        leave.ended(&end, shared.config.resume_limit);
    }
    shared.finish(end);
}

/// Accepting side: whether an offer replaces the present connection.
async fn judge(shared: &Shared, source: &mut Source, offer: SessionOffer, peer: Instance) -> Option<Result<Link, End>> {
    let Source::Accept { counter, .. } = source else { return None };
    match link::answer(shared, offer, Some(*counter), Some(peer)).await {
        Ok((link, new)) => {
            *counter = new;
            Some(Ok(link))
        }
        Err(Refused::End(end @ End::Restarted)) => Some(Err(end)),
        Err(Refused::End(end)) => {
            tracing::warn!(peer = %shared.peer, error = %end.error(&shared.party), "offer to resume refused");
            None
        }
        Err(Refused::Again(e)) => {
            tracing::debug!(error = %e, "offer to resume refused");
            None
        }
    }
}

/// Finds the next connection within the limit.
async fn reconnect(
    shared: &Shared,
    source: &mut Source,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    closing: &mut Closing,
    peer: Instance,
    since: Instant,
) -> Result<Link, End> {
    let limit = shared.config.resume_limit;
    let find = async {
        match source {
            Source::Dial { endpoint, addr, counter } => redial(shared, endpoint, addr, counter, Some(peer)).await,
            Source::Accept { .. } => loop {
                let Source::Accept { offers, .. } = source else { return Err(End::Closed) };
                let Some(offer) = offers.recv().await else { return Err(End::Lost(limit.as_secs())) };
                if let Some(result) = judge(shared, source, offer, peer).await {
                    return result;
                }
            },
        }
    };
    let stop = async {
        loop {
            match commands.recv().await {
                Some(Command::Abort(code)) => return End::Aborted(code),
                Some(Command::Close) => closing.is_wanted = true,
                Some(Command::Open(_) | Command::Broken(_)) => {} // channels are opened on the next connection
                None => return End::Aborted("the session was dropped".into()),
            }
        }
    };
    tokio::select! {
        biased;
        end = stop => Err(end),
        found = tokio::time::timeout_at((since + limit).into(), find) => found.unwrap_or(Err(End::Lost(limit.as_secs()))),
    }
}

/// Dials until a link stands or the session is over.
pub(crate) async fn redial(
    shared: &Shared,
    endpoint: &Endpoint,
    addr: &str,
    counter: &mut u64,
    known: Option<Instance>,
) -> Result<Link, End> {
    let mut pause = BACK_OFF.0;
    loop {
        *counter += 1;
        let attempt = async {
            let conn = endpoint.connect(addr, &shared.peer, shared.config.carrier).await.map_err(Refused::Again)?;
            let greeting = link::greet(shared, conn.clone(), *counter, known);
            let result = tokio::time::timeout(shared.config.dead_after, greeting).await;
            if !matches!(result, Ok(Ok(_))) {
                conn.close();
            }
            result.unwrap_or_else(|_| {
                let source = std::io::ErrorKind::TimedOut.into();
                Err(Refused::Again(Error::Transport { what: format!("session with `{}`", shared.party), source }))
            })
        };
        match attempt.await {
            Ok(link) => return Ok(link),
            Err(Refused::End(end)) => return Err(end),
            Err(Refused::Again(Error::Identity { party, reason })) => return Err(End::Refused(party, reason)),
            Err(Refused::Again(e)) => tracing::debug!(error = %e, "attempt failed"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACK_OFF.1);
    }
}
