//! Under fixed seeds every byte on the wire is fixed; a change of these digests is a change of the protocol and needs a
//! new version number.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use yu_mpc::psi;
use yu_mpc::stats::{self, Grouping, LocalData, Owner, Side, StatsPlan};
use yu_wire::channel::{Carry, Channel};
use yu_wire::frame::FrameHeader;

use crate::world::{NAMES, ROLES, config, context, names, on_threads, ring, rng};

/// One line per frame sent: step, round, length, and the payload for the digest.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    digest: Sha256,
}

struct Recorder {
    inner: Box<dyn Carry>,
    log: Arc<Mutex<Log>>,
}

impl Carry for Recorder {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> yu_wire::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.lines.push(format!("{} round {} len {}", header.step, header.round, header.len));
        log.digest.update(header.encode());
        log.digest.update(&payload);
        drop(log);
        self.inner.send_frame(header, payload)
    }

    fn recv_frame(&mut self) -> yu_wire::Result<(FrameHeader, Bytes)> {
        self.inner.recv_frame()
    }

    fn flush(&mut self) -> yu_wire::Result<()> {
        self.inner.flush()
    }
}

fn recorded(channel: Channel) -> (Channel, Arc<Mutex<Log>>) {
    let log = Arc::<Mutex<Log>>::default();
    let inside = Arc::clone(&log);
    (channel.wrap(|inner| Box::new(Recorder { inner, log: inside })), log)
}

fn read(log: &Mutex<Log>) -> (Vec<String>, String) {
    let log = log.lock().unwrap();
    (log.lines.clone(), hex::encode(log.digest.clone().finalize()))
}

#[test]
fn alignment() {
    let (a, b) = yu_wire::memory::pair(NAMES[0], NAMES[1]);
    let (a, left) = recorded(a);
    let (b, right) = recorded(b);
    let inputs = vec![(a, names("k", 0..3)), (b, names("k", 1..5))];
    let rows = on_threads(inputs, |index, (mut channel, keys)| {
        psi::run(&mut channel, config(NAMES[index]), &keys, &mut rng(index as u64)).unwrap().rows().to_vec()
    });
    let ((left_lines, left_digest), (right_lines, right_digest)) = (read(&left), read(&right));
    assert_eq!(left_lines, ["0001.0001 round 1 len 12", "0001.0002 round 2 len 96", "0001.0003 round 3 len 24"]);
    assert_eq!(right_lines, ["0001.0001 round 1 len 12", "0001.0002 round 2 len 128", "0001.0003 round 3 len 18"]);
    assert_eq!(
        [left_digest, right_digest],
        [
            "43753a3e1724a6af2ec66027f702b3d4dd3a8678b9877fcb160ab4ed208a66d5",
            "2d17253640c56c1d564d9a34b25d0bcdf749dbb3c6db17e32cfa45a206fb4ba0",
        ]
    );
    assert_eq!(rows, [[2, 1], [1, 0]]);
}

#[test]
fn statistics() {
    let side = |party: &str, prefix: &str| Side { party: party.into(), columns: names(prefix, 0..2) };
    let plan = StatsPlan {
        left: side(NAMES[0], "l"),
        right: side(NAMES[1], "r"),
        helper: NAMES[2].into(),
        grouping: Some(Grouping { side: Owner::Left, column: "g".into(), categories: names("c", 0..2) }),
        min_cell: 1,
    };
    let transcripts = on_threads(ring(), |index, (prev, next)| {
        let (prev, to_prev) = recorded(prev);
        let (next, to_next) = recorded(next);
        let mut ctx = context(index, (prev, next)).unwrap();
        let data = (index < 2).then(|| LocalData {
            numeric: ndarray::Array2::from_shape_fn((3, 2), |(i, j)| (i * i + j * (i + index)) as f64),
            groups: (index == 0).then(|| vec![0, 1, 1]),
        });
        stats::agree(&mut ctx, &plan, ROLES[index], data.as_ref().map(|_| 3)).unwrap();
        stats::run(&mut ctx, &plan, ROLES[index], data.as_ref(), 3).map(drop).unwrap();
        [read(&to_prev), read(&to_next)]
    });
    let [[p0_prev, p0_next], [p1_prev, p1_next], [p2_prev, p2_next]] = <[_; 3]>::try_from(transcripts).unwrap_or_else(|_| unreachable!());
    let lines = |(lines, _): &(Vec<String>, String)| lines.join("; ");
    assert_eq!(lines(&p0_prev), "0002.0001 round 1 len 32; 0003.0001 round 2 len 8; 0002.0008 round 5 len 15; 0002.0004 round 5 len 32");
    assert_eq!(lines(&p0_next), "0003.0001 round 2 len 8; 0002.0002 round 3 len 200; 0002.0005 round 3 len 32");
    assert_eq!(lines(&p1_prev), "0002.0001 round 1 len 32; 0003.0001 round 2 len 8; 0002.0005 round 4 len 32; 0002.0004 round 5 len 32");
    assert_eq!(lines(&p1_next), "0003.0001 round 2 len 8; 0002.0002 round 3 len 104; 0002.0008 round 5 len 15");
    assert_eq!(lines(&p2_prev), "0002.0001 round 1 len 32; 0002.0006 round 4 len 32; 0002.0007 round 4 len 15; 0002.0004 round 6 len 32");
    assert_eq!(lines(&p2_next), "");
    let digests = [p0_prev, p0_next, p1_prev, p1_next, p2_prev].map(|(_, digest)| digest[..16].to_owned());
    assert_eq!(digests, ["f2ef8204f885aa5b", "62b4887a73f2cb9a", "6987cf3de950756b", "f252ac3661e6f752", "6d3b6644d23f323f"]);
}
