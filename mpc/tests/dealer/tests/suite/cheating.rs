//! What a peer can get wrong in a semi-honest protocol is its framing: each message of another length is refused by the name of
//! the one who sent it and of the step, and the session is over.

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_mpc::conformance::{Harness, Seat, run};
use yu_mpc::engine::{Engine, Input, Packed, Product, Way};
use yu_mpc::{Error, Result};
use yu_mpc_dealer::{Context, DealerStep};
use yu_wire::channel::{Carry, Channel};
use yu_wire::frame::FrameHeader;
use yu_wire::shape::Link;
use yu_wire::step::{Step, Steps};

const NAMES: [&str; 3] = ["first", "second", "dealer"];

/// Makes each frame of one step a byte longer.
struct Longer {
    inner: Box<dyn Carry>,
    step: Step,
}

impl Carry for Longer {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> yu_wire::Result<()> {
        if header.step != self.step {
            return self.inner.send_frame(header, payload);
        }
        let mut longer = payload.to_vec();
        longer.push(1);
        let header = FrameHeader { len: header.len + 1, ..*header };
        self.inner.send_frame(&header, longer.into())
    }

    fn recv_frame(&mut self) -> yu_wire::Result<(FrameHeader, Bytes)> {
        self.inner.recv_frame()
    }

    fn flush(&mut self) -> yu_wire::Result<()> {
        self.inner.flush()
    }
}

/// Party `CHEAT` lengthens step number `STEP`.
struct Cheated<const CHEAT: usize, const STEP: u16>;

impl<const CHEAT: usize, const STEP: u16> Harness for Cheated<CHEAT, STEP> {
    type Engine = Context;
    const PARTIES: &'static [&'static str] = &NAMES;

    fn join(seat: &mut Seat) -> Result<Context> {
        let index = seat.index();
        let step = Step::new(DealerStep::PROTOCOL, STEP);
        let tampered = |channel: Channel| if index == CHEAT { channel.wrap(|inner| Box::new(Longer { inner, step })) } else { channel };
        let (prev, next) = (seat.channel_to((index + 2) % 3)?, seat.channel_to((index + 1) % 3)?);
        Context::new(index, &[7; 32], tampered(prev), tampered(next), &mut ChaCha20Rng::seed_from_u64(index as u64))
    }
}

/// Every primitive once.
fn everything(engine: &mut Context) -> Result<()> {
    let index = engine.index();
    let (values, bits) = ([1, 2, 3], Packed::ones(3));
    let dealt = engine.input(&[Input { owner: 2, len: 3, values: (index == 2).then_some(&values) }])?.remove(0);
    let dealt_bits = engine.input_bits(&[Input { owner: 2, len: 3, values: (index == 2).then_some(&bits) }])?.remove(0);
    let z = engine.multiply(&[Product::Each(&dealt, &dealt)], 4)?.remove(0);
    engine.and(&[(&dealt_bits, &dealt_bits)])?;
    engine.lift(&[&dealt_bits])?;
    engine.inject(&[(&dealt_bits, &z)])?;
    let by = engine.draw_shuffle(3)?;
    engine.shuffle(&by, &[&z], Way::Forward)?;
    engine.open(&[&z])?;
    engine.open_bits(&[&dealt_bits]).map(drop)
}

/// A receiver names the cheat and the step, and refuses to go on; the others learn that somebody left or see it too.
fn refused<const CHEAT: usize, const STEP: u16>(step: DealerStep) {
    assert_eq!(step as u16, STEP);
    let outcome = |engine: &mut Context, _: &Seat| {
        let first = everything(engine);
        let again = first.is_err().then(|| everything(engine));
        Ok((first, again))
    };
    let results = run::<Cheated<CHEAT, STEP>, _>(Link::LOCAL, outcome);
    let mut named = 0;
    for (index, result) in results.into_iter().enumerate() {
        // joining fails for a broken key; the cheat itself may come to its end
        let error = match result {
            Ok((Ok(()), _)) if index == CHEAT => continue,
            Ok((Ok(()), _)) => panic!("{step:?} of {CHEAT} was not noticed"),
            Ok((Err(error), again)) => {
                assert!(matches!(again, Some(Err(Error::Caller(_)))), "a broken session goes on");
                error
            }
            Err(error) => error,
        };
        match error {
            Error::Peer { culprit, step: at, .. } => {
                assert_eq!((culprit.as_str(), at.as_str()), (NAMES[CHEAT], step.name()));
                named += 1;
            }
            Error::Transport(_) => {}
            other => panic!("{step:?} of {CHEAT}: {other}"),
        }
    }
    // of two receivers the second may learn from the first's end instead
    assert!(named > 0, "{step:?} of {CHEAT}: nobody was named");
}

#[test]
fn longer_messages_are_refused() {
    refused::<0, 1>(DealerStep::Key);
    refused::<1, 1>(DealerStep::Key);
    refused::<2, 1>(DealerStep::Key);
    refused::<2, 2>(DealerStep::Input);
    refused::<2, 3>(DealerStep::InputBits);
    refused::<0, 4>(DealerStep::Multiply);
    refused::<1, 4>(DealerStep::Multiply);
    refused::<2, 5>(DealerStep::MultiplyDeal);
    refused::<0, 6>(DealerStep::Trunc);
    refused::<1, 6>(DealerStep::Trunc);
    refused::<2, 7>(DealerStep::TruncShift);
    refused::<2, 8>(DealerStep::TruncWrap);
    refused::<0, 9>(DealerStep::And);
    refused::<1, 9>(DealerStep::And);
    refused::<2, 10>(DealerStep::AndDeal);
    refused::<0, 11>(DealerStep::Lift);
    refused::<1, 11>(DealerStep::Lift);
    refused::<2, 12>(DealerStep::LiftDeal);
    refused::<0, 13>(DealerStep::Inject);
    refused::<1, 13>(DealerStep::Inject);
    refused::<2, 14>(DealerStep::InjectDeal);
    refused::<0, 15>(DealerStep::Shuffle);
    refused::<1, 15>(DealerStep::Shuffle);
    refused::<2, 16>(DealerStep::ShuffleDeal);
    refused::<0, 17>(DealerStep::Open);
    refused::<1, 17>(DealerStep::Open);
    refused::<0, 18>(DealerStep::OpenBits);
    refused::<1, 18>(DealerStep::OpenBits);
}

/// A peer that returns our own seed would make both keys known to it.
#[test]
fn a_reflected_seed_is_refused() {
    let mut mesh = yu_wire::memory::mesh(&NAMES);
    let mut channel = |from: usize, to: usize| mesh[from][to].take().unwrap();
    let (prev, next, mut peer, mut dealer) = (channel(0, 2), channel(0, 1), channel(1, 0), channel(2, 0));
    let joining = std::thread::spawn(move || Context::new(0, &[7; 32], prev, next, &mut ChaCha20Rng::seed_from_u64(1)).map(drop));
    let seed = peer.recv(DealerStep::Key, yu_wire::channel::Expect::Exactly(32)).unwrap();
    dealer.send(DealerStep::Key, seed).unwrap();
    let error = joining.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Peer { culprit, .. } if culprit == "dealer"));
}

#[test]
fn impossible_seats_are_refused() {
    let join = |index: usize, names: [&str; 3]| {
        let mut mesh = yu_wire::memory::mesh(&names);
        let (prev, next) = (mesh[0][2].take().unwrap(), mesh[0][1].take().unwrap());
        Context::new(index, &[7; 32], prev, next, &mut ChaCha20Rng::seed_from_u64(1)).map(drop)
    };
    assert!(matches!(join(3, NAMES), Err(Error::Caller(_))));
    assert!(matches!(join(0, ["a", "b", "b"]), Err(Error::Caller(_))));
}
