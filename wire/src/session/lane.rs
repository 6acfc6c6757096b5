//! One channel of a session across all its connections.
//!
//! Sending puts a frame into the replay buffer and writes whatever the present stream has not seen. While there is no
//! stream, frames wait in the buffer; when it is full, the sender waits. Receiving drops what was seen before.
//! A sender that has to wait reads ahead meanwhile, so that two parties that both send first do not wait for each
//! other as long as what they send fits the buffers.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

use super::line::{FrameReader, LineError};
use super::replay::Replay;
use super::shared::Shared;
use crate::carrier::{RecvHalf, SendHalf};
use crate::frame::{FrameHeader, FrameKind};
use crate::{Error, Result};

/// An acknowledgement is due after this part of a replay buffer (ours; both sides have the same default).
const ACK_PART: u64 = 16;
/// Received frames after which one is due.
const ACK_FRAMES: u64 = 64;
/// Pause of a waiting sender that cannot read ahead: no stream, or its inbox is full.
const READ_AHEAD_RETRY: Duration = Duration::from_millis(20);

/// State of a channel.
pub(crate) struct Lane {
    pub(crate) id: u32,
    /// A [`Channel`](crate::channel::Channel) has been made of it.
    pub(crate) is_taken: AtomicBool,
    replay: Mutex<Replay>,
    /// The replay buffer has shrunk.
    room: Notify,
    send: AsyncMutex<SendSide>,
    recv: AsyncMutex<RecvSide>,
    /// Number of the next frame that we have not received.
    next_recv: AtomicU64,
    /// What the peer knows of `next_recv`.
    told: AtomicU64,
    /// Payload received since then.
    untold_bytes: AtomicU64,
    /// Generation of the connection whose stream is in place.
    pub(crate) attached: watch::Sender<u64>,
    /// Generation of the connection on which a stream has been opened or accepted: one each.
    opened: AtomicU64,
}

#[derive(Default)]
struct SendSide {
    half: Option<SendHalf>,
    generation: u64,
    /// Number of the next frame for this stream.
    next: u64,
}

#[derive(Default)]
struct RecvSide {
    half: Option<RecvHalf>,
    generation: u64,
    reader: FrameReader,
    /// Frames read ahead, and their payload bytes.
    inbox: VecDeque<(FrameHeader, Bytes)>,
    inbox_bytes: usize,
    /// What the peer broke; told to the channel after the inbox.
    fault: Option<String>,
}

impl Lane {
    pub(crate) fn new(id: u32, replay_limit: usize) -> Self {
        Self {
            id,
            is_taken: AtomicBool::new(false),
            replay: Mutex::new(Replay::new(replay_limit)),
            room: Notify::new(),
            send: AsyncMutex::default(),
            recv: AsyncMutex::default(),
            next_recv: AtomicU64::new(0),
            told: AtomicU64::new(0),
            untold_bytes: AtomicU64::new(0),
            attached: watch::Sender::new(0),
            opened: AtomicU64::new(0),
        }
    }

    /// Takes the right to this channel's one stream of a connection; false if it has been taken.
    pub(crate) fn take_stream(&self, generation: u64) -> bool {
        self.opened.swap(generation, Ordering::AcqRel) != generation
    }

    fn replay(&self) -> MutexGuard<'_, Replay> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the next frame that we want.
    pub(crate) fn next_recv(&self) -> u64 {
        self.next_recv.load(Ordering::Acquire)
    }

    /// Number of the next frame that will be sent for the first time.
    pub(crate) fn next_send(&self) -> u64 {
        self.replay().next()
    }

    /// The acknowledgement that the peer is owed, if any; counts as told.
    pub(crate) fn take_ack(&self) -> Option<u64> {
        let next = self.next_recv();
        self.untold_bytes.store(0, Ordering::Relaxed);
        (self.told.swap(next, Ordering::AcqRel) < next).then_some(next)
    }

    /// The peer has everything below `seq`; false if it cannot.
    pub(crate) fn acknowledged(&self, seq: u64) -> bool {
        let fits = self.replay().acknowledge(seq);
        self.room.notify_waiters();
        fits
    }

    /// Whether the peer has everything that was sent.
    pub(crate) fn is_acknowledged(&self) -> bool {
        let replay = self.replay();
        replay.next() == replay.base()
    }

    /// Wakes senders that wait for room: the session has ended.
    pub(crate) fn wake(&self) {
        self.room.notify_waiters();
        self.attached.send_modify(|_| ());
    }

    /// Puts a new stream in place; the peer wants everything from `wanted` on. False if it cannot want that.
    pub(crate) async fn attach(&self, halves: (SendHalf, RecvHalf), generation: u64, wanted: u64) -> bool {
        {
            let mut side = self.send.lock().await;
            if !self.acknowledged(wanted) {
                return false;
            }
            *side = SendSide { half: Some(halves.0), generation, next: wanted };
        }
        {
            let mut side = self.recv.lock().await;
            side.half = Some(halves.1);
            side.generation = generation;
            side.reader = FrameReader::default();
        }
        self.attached.send_replace(generation);
        true
    }

    /// Sends a frame: returns when it is in the replay buffer and, if there is a stream, written.
    pub(crate) async fn send(&self, shared: &Shared, header: FrameHeader, payload: Bytes) -> Result<()> {
        loop {
            shared.check_sends()?;
            let room = self.room.notified();
            {
                let mut replay = self.replay();
                if header.seq != replay.next() {
                    return Err(Error::Caller(format!("frame `{}` sent where `{}` was next", header.seq, replay.next())));
                }
                if replay.has_room(payload.len()) {
                    replay.push(header, payload);
                    break;
                }
            }
            let mut room = pin!(room);
            while tokio::select! {
                biased;
                () = &mut room => false,
                () = self.keep_reading(shared) => true,
            } {}
        }
        self.pump(shared).await;
        Ok(())
    }

    /// Writes what the present stream has not seen. A stream that breaks is dropped; the session finds another one.
    pub(crate) async fn pump(&self, shared: &Shared) {
        let mut side = self.send.lock().await;
        loop {
            let SendSide { half: Some(half), generation, next } = &mut *side else { return };
            let Some((header, payload)) = self.replay().get(*next) else { return };
            match self.write(shared, half, &header, payload).await {
                Ok(()) => *next += 1,
                Err(_) => {
                    shared.broken(*generation);
                    side.half = None;
                }
            }
        }
    }

    async fn write(&self, shared: &Shared, half: &mut SendHalf, header: &FrameHeader, payload: Bytes) -> io::Result<()> {
        let bytes = header.encode();
        let mut write = pin!(half.write_frame(&bytes, payload));
        loop {
            tokio::select! {
                biased;
                done = &mut write => return done,
                () = self.keep_reading(shared) => {}
            }
        }
    }

    /// Reads one frame ahead, or waits a little before another attempt.
    async fn keep_reading(&self, shared: &Shared) {
        if !self.read_ahead(shared).await {
            tokio::time::sleep(READ_AHEAD_RETRY).await;
        }
    }

    /// Reads one frame into the inbox; false if that is impossible now.
    async fn read_ahead(&self, shared: &Shared) -> bool {
        let Ok(mut side) = self.recv.try_lock() else { return false };
        if side.inbox_bytes >= shared.config.replay_limit {
            return false;
        }
        match self.read(shared, &mut side).await {
            Some(frame) => {
                side.inbox_bytes += frame.1.len();
                side.inbox.push_back(frame);
                true
            }
            None => false,
        }
    }

    /// Reads into the inbox until everything below `until` is here: the peer waits for our acknowledgement before it
    /// goes. What it may have outstanding fits its replay buffer, so the inbox stays bounded.
    pub(crate) async fn drain(&self, shared: &Shared, until: u64) {
        while self.next_recv() < until && shared.check().is_ok() {
            let mut attached = self.attached.subscribe();
            let mut side = self.recv.lock().await;
            if self.next_recv() >= until || side.fault.is_some() {
                return;
            }
            match self.read(shared, &mut side).await {
                Some(frame) => {
                    side.inbox_bytes += frame.1.len();
                    side.inbox.push_back(frame);
                }
                None => {
                    drop(side);
                    if attached.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The next frame for the application.
    pub(crate) async fn recv(&self, shared: &Shared, attached: &mut watch::Receiver<u64>) -> Result<(FrameHeader, Bytes)> {
        loop {
            attached.borrow_and_update();
            {
                let mut side = self.recv.lock().await;
                if let Some(frame) = side.inbox.pop_front() {
                    side.inbox_bytes -= frame.1.len();
                    return Ok(frame);
                }
                if let Some(frame) = self.read(shared, &mut side).await {
                    return Ok(frame);
                }
                if let Some(what) = &side.fault {
                    return Err(Error::peer(&shared.party, format!("channel {}", self.id), what.clone()));
                }
            }
            shared.check()?;
            if attached.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// One new frame from the present stream; `None` if there is none or it broke.
    async fn read(&self, shared: &Shared, side: &mut RecvSide) -> Option<(FrameHeader, Bytes)> {
        loop {
            let half = side.half.as_mut()?;
            let what = match side.reader.next(half).await {
                Ok((header, payload)) => {
                    let next = self.next_recv();
                    match header.seq.cmp(&next) {
                        _ if header.kind != FrameKind::Data || header.channel != self.id => {
                            "a frame that is not of this channel".to_owned()
                        }
                        std::cmp::Ordering::Less => continue, // seen on an earlier connection
                        std::cmp::Ordering::Greater => format!("frame `{}` where `{next}` was next", header.seq),
                        std::cmp::Ordering::Equal => {
                            self.received(shared, next + 1, payload.len() as u64);
                            return Some((header, payload));
                        }
                    }
                }
                Err(LineError::Io(_)) => {
                    side.half = None;
                    shared.broken(side.generation);
                    return None;
                }
                Err(LineError::Fault(fault)) => fault.to_string(),
            };
            side.fault = Some(what);
            side.half = None;
            return None;
        }
    }

    fn received(&self, shared: &Shared, next: u64, bytes: u64) {
        self.next_recv.store(next, Ordering::Release);
        shared.heard.store(true, Ordering::Relaxed);
        let untold = self.untold_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if untold >= shared.config.replay_limit as u64 / ACK_PART || next - self.told.load(Ordering::Relaxed) >= ACK_FRAMES {
            shared.ack_due.notify_one();
        }
    }
}
