//! No mask serves twice: the same operations on the same shares send other bytes each time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_mpc::engine::{Engine, Input, Packed, Product, Way};
use yu_mpc_dealer::{Context, DealerStep};
use yu_wire::channel::Carry;
use yu_wire::frame::FrameHeader;
use yu_wire::step::Steps;

type Log = Arc<Mutex<Vec<(FrameHeader, Bytes)>>>;

struct Recorder(Box<dyn Carry>, Log);

impl Carry for Recorder {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> yu_wire::Result<()> {
        self.1.lock().unwrap().push((*header, payload.clone()));
        self.0.send_frame(header, payload)
    }

    fn recv_frame(&mut self) -> yu_wire::Result<(FrameHeader, Bytes)> {
        self.0.recv_frame()
    }

    fn flush(&mut self) -> yu_wire::Result<()> {
        self.0.flush()
    }
}

/// Zeros through every primitive, so that what travels is the masks.
fn everything(engine: &mut Context) {
    let (zeros, no_bits) = (engine.constant(&[0; 4]), engine.constant_bits(&Packed::zeros(70)));
    let short = engine.constant_bits(&Packed::zeros(4));
    let is_dealer = engine.index() == 2;
    engine.input(&[Input { owner: 2, len: 4, values: is_dealer.then_some(&[0; 4][..]) }]).unwrap();
    engine.input_bits(&[Input { owner: 2, len: 70, values: is_dealer.then_some(&Packed::zeros(70)) }]).unwrap();
    engine.multiply(&[Product::Each(&zeros, &zeros)], 62).unwrap();
    engine.truncate(&[&zeros], 62).unwrap();
    engine.and(&[(&no_bits, &no_bits)]).unwrap();
    engine.lift(&[&no_bits]).unwrap();
    engine.inject(&[(&short, &zeros)]).unwrap();
    let by = engine.draw_shuffle(4).unwrap();
    for way in [Way::Forward, Way::Back] {
        engine.shuffle(&by, &[&zeros], way).unwrap();
    }
    assert_eq!(engine.open(&[&zeros]).unwrap(), [[0; 4]]);
    assert_eq!(engine.open_bits(&[&no_bits]).unwrap(), [Packed::zeros(70)]);
}

#[test]
fn no_message_comes_twice() {
    let log = Log::default();
    let mesh = yu_wire::memory::mesh(&["first", "second", "dealer"]);
    std::thread::scope(|scope| {
        for (index, mut peers) in mesh.into_iter().enumerate() {
            let mut channel = |to: usize| {
                let log = Arc::clone(&log);
                peers[to].take().unwrap().wrap(|inner| Box::new(Recorder(inner, log)))
            };
            let (prev, next) = (channel((index + 2) % 3), channel((index + 1) % 3));
            scope.spawn(move || {
                let mut engine = Context::new(index, &[7; 32], prev, next, &mut ChaCha20Rng::seed_from_u64(index as u64)).unwrap();
                everything(&mut engine);
                everything(&mut engine);
            });
        }
    });
    // P0 and P1 tell each other shares of constants that are opened: zeros are no secret there
    let is_opening = |header: &FrameHeader| [DealerStep::Open, DealerStep::OpenBits].map(Steps::step).contains(&header.step);
    let log = log.lock().unwrap();
    let (openings, messages): (Vec<_>, Vec<_>) = log.iter().partition(|(header, _)| is_opening(header));
    let steps: HashSet<_> = messages.iter().map(|(header, _)| header.step).collect();
    assert_eq!(steps.len(), 16, "every step but the openings");
    let mut seen = HashSet::new();
    for (header, payload) in &messages {
        assert!(payload.iter().any(|byte| *byte > 0), "step {} sends what is not masked", header.step);
        assert!(seen.insert(payload), "step {} repeats a message", header.step);
    }
    // to each other as they are, to the dealer masked: twice, two parties, two steps
    let (plain, masked): (Vec<_>, Vec<_>) = openings.into_iter().partition(|(_, payload)| payload.iter().all(|byte| *byte == 0));
    assert_eq!((plain.len(), masked.len()), (8, 8));
    // bits are masked alike by both
    let distinct: HashSet<_> = masked.iter().map(|(_, payload)| payload).collect();
    assert_eq!(distinct.len(), 6);
}
