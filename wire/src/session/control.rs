//! A session on one connection: acknowledgements, heartbeat, new streams, and the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::bind::Side;
use super::hub::SessionOffer;
use super::lane::Lane;
use super::line::LineError;
use super::link::{Link, parse_list, reason};
use super::shared::{Command, End, Shared};
use crate::carrier::{Connection, RecvHalf, SendHalf};
use crate::frame::{FrameHeader, FrameKind};

/// First bytes of a channel's stream, before the channel number (4, little endian).
const STREAM: [u8; 4] = *b"YUCH";
/// Numbers in `Close` frames, in the order in which they travel: one side wishes to close and lists how many frames it
/// has sent; the other one has all of them, and lists its own; the first one has those.
const WISH: u64 = 0;
const ANSWER: u64 = 1;
const BYE: u64 = 2;
/// How long the side that has said goodbye waits for the connection to go.
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection no longer carries the session.
pub(crate) enum After {
    /// It is gone or silent: find another one.
    Lost,
    /// The peer offers another one (accepting side).
    Offered(Box<SessionOffer>),
    /// The session has ended.
    End(End),
}

/// The closing of a session, across connections.
#[derive(Default)]
pub(crate) struct Closing {
    /// Our side has asked to close.
    pub(crate) is_wanted: bool,
    /// We have answered the peer's wish.
    is_answered: bool,
    /// We have said goodbye: both sides have everything.
    bye: Option<Instant>,
}

/// Serves the session on `link` until something ends it.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    link: &mut Link,
    generation: u64,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    offers: &mut Option<&mut mpsc::Receiver<SessionOffer>>,
    closing: &mut Closing,
) -> After {
    let mut serving = Serving { shared, conn: link.conn.clone(), wanted: &link.wanted, generation, drained: mpsc::channel(4) };
    if shared.side == Side::Dial {
        for lane in shared.lanes() {
            serving.open(lane);
        }
    }
    let config = &shared.config;
    let tick = (config.heartbeat / 4).clamp(Duration::from_millis(20), Duration::from_millis(500));
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last_heard, mut last_ping, mut last_tick) = (Instant::now(), Instant::now(), Instant::now());
    let control = &mut link.control;
    if closing.is_wanted && control.write(FrameKind::Close, 0, WISH, totals(shared)).await.is_err() {
        return After::Lost;
    }
    let conn = link.conn.clone();
    loop {
        let next_offer = async {
            match offers {
                Some(offers) => offers.recv().await,
                None => std::future::pending().await,
            }
        };
        let written = tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Open(id)) => {
                    if shared.side == Side::Dial && let Some(lane) = shared.lane(id) {
                        serving.open(lane);
                    }
                    Ok(())
                }
                Some(Command::Broken(of)) if of == generation => return closing.lost(shared),
                Some(Command::Broken(_)) => Ok(()),
                Some(Command::Close) => {
                    closing.is_wanted = true;
                    control.write(FrameKind::Close, 0, WISH, totals(shared)).await
                }
                Some(Command::Abort(code)) => {
                    if matches!(closing.lost(shared), After::End(_)) {
                        return After::End(End::Closed);
                    }
                    control.fail(&code, &conn).await;
                    return After::End(End::Aborted(code));
                }
                None => return After::End(End::Aborted("the session was dropped".into())),
            },
            frame = control.next() => {
                last_heard = Instant::now();
                match frame {
                    Ok((header, payload)) => match serving.frame(&header, &payload, closing) {
                        Next::Go => Ok(()),
                        Next::Pong => control.write(FrameKind::Pong, 0, header.seq, Vec::new()).await,
                        Next::End(end) => return After::End(end),
                    },
                    Err(LineError::Io(_)) => return closing.lost(shared),
                    Err(LineError::Fault(fault)) => return After::End(End::Broke(fault.to_string())),
                }
            },
            () = conn.closed() => return closing.lost(shared),
            stream = conn.accept_bi() => match stream {
                Ok(stream) => {
                    serving.accept(stream);
                    Ok(())
                }
                Err(_) => return closing.lost(shared),
            },
            Some(offer) = next_offer => return After::Offered(Box::new(offer)),
            Some(number) = serving.drained.1.recv() => {
                let mut list = Vec::new();
                if number == ANSWER {
                    closing.is_answered = true;
                    shared.refuse_sends();
                    list = totals(shared);
                } else {
                    closing.bye = Some(Instant::now());
                }
                match send_acks(shared, control).await {
                    Ok(()) => control.write(FrameKind::Close, 0, number, list).await,
                    Err(e) => Err(e),
                }
            },
            () = shared.ack_due.notified() => send_acks(shared, control).await,
            _ = ticks.tick() => {
                let now = Instant::now();
                // a process that was stopped or starved has not listened: the silence was ours
                let was_asleep = now.duration_since(last_tick) > config.dead_after / 2;
                last_tick = now;
                if shared.take_heard() || was_asleep {
                    last_heard = now;
                }
                if closing.bye.is_some_and(|since| since.elapsed() > LINGER) {
                    return After::End(End::Closed);
                }
                if now.duration_since(last_heard) > config.dead_after {
                    return closing.lost(shared);
                }
                let mut written = send_acks(shared, control).await;
                if written.is_ok() && now.duration_since(last_ping) >= config.heartbeat {
                    last_ping = now;
                    written = control.write(FrameKind::Ping, 0, 0, Vec::new()).await;
                }
                written
            },
        };
        if written.is_err() {
            return closing.lost(shared);
        }
    }
}

impl Closing {
    /// The connection is gone: is that all right?
    fn lost(&self, shared: &Shared) -> After {
        let is_done = self.bye.is_some() || self.is_answered && shared.lanes().iter().all(|lane| lane.is_acknowledged());
        if is_done { After::End(End::Closed) } else { After::Lost }
    }
}

/// What a control frame asks for.
enum Next {
    Go,
    Pong,
    End(End),
}

struct Serving<'a> {
    shared: &'a Arc<Shared>,
    conn: Connection,
    wanted: &'a std::collections::BTreeMap<u32, u64>,
    generation: u64,
    /// Tells that everything the peer has listed is here, and what to say next.
    drained: (mpsc::Sender<u64>, mpsc::Receiver<u64>),
}

impl Serving<'_> {
    fn frame(&self, header: &FrameHeader, payload: &Bytes, closing: &Closing) -> Next {
        match header.kind {
            FrameKind::Ack => match self.shared.lane(header.channel) {
                Some(lane) if lane.acknowledged(header.seq) => Next::Go,
                _ => Next::End(End::Broke("acknowledges what was not sent".into())),
            },
            FrameKind::Ping => Next::Pong,
            FrameKind::Pong => Next::Go,
            FrameKind::Fail => Next::End(reason(payload)),
            FrameKind::Close if header.seq == BYE && closing.is_answered => Next::End(End::Closed),
            FrameKind::Close if header.seq == WISH || header.seq == ANSWER && closing.is_wanted => {
                let Some(totals) = parse_list(payload) else {
                    return Next::End(End::Broke("malformed close".into()));
                };
                let (shared, done, next) = (self.shared.clone(), self.drained.0.clone(), header.seq + 1);
                if shared.side == Side::Dial {
                    // also of channels that only the peer uses
                    totals.keys().filter_map(|id| shared.lane(*id)).for_each(|lane| self.open(lane));
                }
                tokio::spawn(async move {
                    for (id, until) in totals {
                        if let Some(lane) = shared.lane(id) {
                            lane.drain(&shared, until).await;
                        }
                    }
                    let _ = done.send(next).await;
                });
                Next::Go
            }
            other => Next::End(End::Broke(format!("unexpected `{other:?}` frame"))),
        }
    }

    /// Dialling side: opens the stream of a channel.
    fn open(&self, lane: Arc<Lane>) {
        if !lane.take_stream(self.generation) {
            return;
        }
        let (shared, conn, generation) = (self.shared.clone(), self.conn.clone(), self.generation);
        let wanted = self.wanted.get(&lane.id).copied().unwrap_or(0);
        tokio::spawn(async move {
            let opened = async {
                let (mut send, recv) = conn.open_bi().await.ok()?;
                let mut first = STREAM.to_vec();
                first.extend_from_slice(&lane.id.to_le_bytes());
                send.write_all(&first).await.ok()?;
                Some((send, recv))
            };
            match opened.await {
                Some(halves) => attach(&shared, &lane, halves, generation, wanted).await,
                None => shared.broken(generation),
            }
        });
    }

    /// Accepting side: finds out which channel a stream belongs to.
    fn accept(&self, (send, mut recv): (SendHalf, RecvHalf)) {
        if self.shared.side == Side::Dial {
            return; // only the dialling side opens streams; dropping resets it
        }
        let (shared, generation, wanted) = (self.shared.clone(), self.generation, self.wanted.clone());
        tokio::spawn(async move {
            let first = tokio::time::timeout(shared.config.dead_after, recv.read_array::<8>()).await;
            let Ok(Ok([a, b, c, d, id @ ..])) = first else { return };
            if [a, b, c, d] != STREAM {
                return;
            }
            let id = u32::from_le_bytes(id);
            // one stream for each channel of a connection: a second one would split its frames
            if let Some(lane) = shared.lane(id)
                && lane.take_stream(generation)
            {
                attach(&shared, &lane, (send, recv), generation, wanted.get(&id).copied().unwrap_or(0)).await;
            }
        });
    }
}

async fn attach(shared: &Arc<Shared>, lane: &Lane, halves: (SendHalf, RecvHalf), generation: u64, wanted: u64) {
    if lane.attach(halves, generation, wanted).await {
        lane.pump(shared).await;
    } else {
        shared.command(Command::Abort("the peer wants frames that it has acknowledged, or that were never sent".into()));
    }
}

async fn send_acks(shared: &Shared, control: &mut super::link::Control) -> std::io::Result<()> {
    for lane in shared.lanes() {
        if let Some(next) = lane.take_ack() {
            control.write(FrameKind::Ack, lane.id, next, Vec::new()).await?;
        }
    }
    Ok(())
}

/// How many frames each channel has sent in all.
fn totals(shared: &Shared) -> Vec<u8> {
    let mut list = Vec::new();
    for lane in shared.lanes() {
        list.extend_from_slice(&lane.id.to_le_bytes());
        list.extend_from_slice(&lane.next_send().to_le_bytes());
    }
    list
}
