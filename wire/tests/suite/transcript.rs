//! The bytes of a whole conversation, pinned: changing them is a new frame version.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use yu_wire::channel::{Channel, Expect};
use yu_wire::memory;
use yu_wire::step::Step;
use yu_wire::tamper::tamper;

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down every frame that leaves; payloads above 16 bytes as their length.
fn tapped(channel: Channel, name: &'static str, log: &Log) -> Channel {
    let log = Arc::clone(log);
    tamper(channel, move |frame| {
        let payload = if frame.payload.len() > 16 { format!("[{}]", frame.payload.len()) } else { hex::encode(&frame.payload) };
        log.lock().unwrap().push(format!("{name} {} {payload}", hex::encode(frame.header.encode())));
        vec![frame]
    })
}

#[test]
fn a_conversation_is_pinned() {
    let log = Log::default();
    let (a, b) = memory::pair("a", "b");
    let (mut a, mut b) = (tapped(a, "a", &log), tapped(b, "b", &log));
    let (hello, vector, done) = (Step::new(1, 0), Step::new(1, 1), Step::new(2, 0));
    a.send(hello, "ave".into()).unwrap();
    b.recv(hello, Expect::Exactly(3)).unwrap();
    b.send_slice_u64(vector, &[1, 0x0102_0304_0506_0708]).unwrap();
    let mut got = [0; 2];
    a.recv_slice_u64(vector, &mut got).unwrap();
    let long = Bytes::from(vec![0; 256 * 1024 + 1]);
    a.send(vector, long).unwrap();
    b.recv(vector, Expect::AtMost(1 << 20)).unwrap();
    b.send(done, Bytes::new()).unwrap();
    a.recv(done, Expect::Exactly(0)).unwrap();
    let expected = [
        "a 5955010000000000000001000100000000000000000000000300000000000000 617665",
        "b 5955010000000000010001000200000000000000000000001000000000000000 01000000000000000807060504030201",
        "a 5955010000000000010001000300000001000000000000000000040001000000 [262144]",
        "a 5955010000000000010001000300000002000000000000000100000000000000 00",
        "b 5955010000000000000002000400000001000000000000000000000000000000 ",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}
