//! One coordinator asks, many parties answer: how the rounds of a training travel.
//!
//! ```text
//! coordinator -> party   round, stage, body
//! party -> coordinator   round, stage, body      or  round, REFUSED, reason
//! ```
//! Each party is asked by a thread of its own, so a slow one holds nobody up: what it answers after the deadline is dropped, and of the
//! questions that it missed it gets the last one only. A party that is lost may [come back](Star::join) with a new channel.
//!
//! A message costs 5 bytes beside its body and the 32 bytes of the frame.
//!
//! | to see | open |
//! |---|---|
//! | what is agreed, what both sides bring with them, what comes out | [`Plan`], [`Coordinator`], [`Party`], [`Done`] |
//! | a sum over the parties: stages, the coordinator, a party | `star/terms.rs`, `star/assembly.rs`, `star/seat.rs` |
//! | a sum tried again, over the same parties only | `star/attempts.rs` |
//! | bytes before it runs | [`Bytes`] |
//!
//! Gradient models ([`crate::train`]) and boosted trees ([`crate::trees::horizontal`]) are trained over it.

pub(crate) mod assembly;
pub(crate) mod attempts;
mod plan;
mod roles;
pub(crate) mod seat;
pub(crate) mod terms;
mod traffic;

pub use attempts::ATTEMPTS;
pub use plan::Plan;
pub use roles::{Coordinator, Done, Party};
pub use traffic::Bytes;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use yu_wire::channel::{Channel, Expect};
use yu_wire::step::{Step, Steps};

use crate::{Error, Result};

/// Round and stage before every body.
const HEAD: usize = 5;
/// Stage of an answer that is none; its body says why, at most [`MAX_REASON`] bytes.
const REFUSED: u8 = u8::MAX;
/// Stage of the last message, which nobody answers.
const CLOSED: u8 = u8::MAX - 1;
/// Bytes of a reason.
const MAX_REASON: usize = 512;

/// The two messages of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum StarStep {
    /// Coordinator to party.
    Question = 1,
    /// Party to coordinator.
    Answer = 2,
}

impl StarStep {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 6;
}

impl Steps for StarStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Question => "train.question",
            Self::Answer => "train.answer",
        }
    }
}

/// Which question it is. Stages of a round are numbered by whoever asks, below 254.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Round of the training, from 0.
    pub round: u32,
    /// Stage within the round.
    pub stage: u8,
}

fn encode(place: Place, body: &[u8]) -> bytes::Bytes {
    let mut message = Vec::with_capacity(HEAD + body.len());
    message.extend_from_slice(&place.round.to_le_bytes());
    message.push(place.stage);
    message.extend_from_slice(body);
    message.into()
}

fn decode(message: &[u8]) -> Option<(Place, &[u8])> {
    let (round, rest) = message.split_first_chunk::<4>()?;
    let (stage, body) = rest.split_first()?;
    Some((Place { round: u32::from_le_bytes(*round), stage: *stage }, body))
}

/// A question under way to one party.
struct Order {
    place: Place,
    message: bytes::Bytes,
    most: usize,
}

/// What came back.
enum Told {
    Answer(Place, Vec<u8>),
    Lost(Error),
}

struct Line {
    name: String,
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<Channel>>,
    /// Counts channels, so that the last words of an earlier one are not taken for those of its successor.
    era: u32,
    lost: Option<Error>,
    /// Whether it broke the protocol: then it does not come back.
    is_expelled: bool,
}

/// The coordinator's side.
pub struct Star {
    lines: Vec<Line>,
    told: Receiver<(usize, u32, Told)>,
    tell: Sender<(usize, u32, Told)>,
}

/// What one party said to a question.
pub enum Answer {
    /// Its answer.
    Said(Vec<u8>),
    /// Nothing in time.
    Late,
    /// It is away, or broke the protocol.
    Gone,
}

impl Answer {
    /// The answer, if there is one.
    #[must_use]
    pub fn said(self) -> Option<Vec<u8>> {
        match self {
            Self::Said(body) => Some(body),
            Self::Late | Self::Gone => None,
        }
    }
}

impl Star {
    /// A star with one line to each party, in their order.
    #[must_use]
    pub fn new(channels: Vec<Channel>) -> Self {
        let (tell, told) = channel();
        let mut star = Self { lines: Vec::with_capacity(channels.len()), told, tell };
        for line in channels {
            let name = line.peer().to_owned();
            star.lines.push(Line { name, orders: None, thread: None, era: 0, lost: None, is_expelled: false });
            let at = star.lines.len() - 1;
            star.start(at, line);
        }
        star
    }

    /// Names of the parties.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.name.as_str())
    }

    /// How many parties there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no party.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Why a party is away, if it is.
    #[must_use]
    pub fn lost(&self, party: usize) -> Option<&Error> {
        self.lines.get(party)?.lost.as_ref()
    }

    /// A party broke the protocol above this one: it is not asked any more, and nothing of its line is believed.
    pub fn expel(&mut self, party: usize, error: Error) {
        if let Some(line) = self.lines.get_mut(party) {
            line.era += 1;
            line.orders = None;
            line.lost = Some(error);
            line.is_expelled = true;
        }
    }

    /// A party that was away is there again, or one is there for the first time. One that was expelled is not let in.
    ///
    /// # Errors
    /// [`Error::Caller`] for a party that is not of the training.
    pub fn join(&mut self, line: Channel) -> Result<()> {
        match self.lines.iter().position(|known| known.name == line.peer()) {
            Some(at) => {
                if !self.lines.get(at).is_some_and(|line| line.is_expelled) {
                    self.start(at, line);
                }
                Ok(())
            }
            None => Err(Error::caller(format!("party `{}` does not take part in this training", line.peer()))),
        }
    }

    fn start(&mut self, at: usize, mut line: Channel) {
        let Some(known) = self.lines.get_mut(at) else { return };
        let (orders, taken) = channel::<Order>();
        known.era += 1;
        known.lost = None;
        known.orders = Some(orders);
        let (tell, era) = (self.tell.clone(), known.era);
        // the thread of an earlier channel ends by itself when that channel answers or fails
        known.thread = Some(std::thread::spawn(move || {
            if let Err(error) = ask_in_turn(&mut line, &taken, |told| tell.send((at, era, told)).is_ok()) {
                let _ = tell.send((at, era, Told::Lost(error)));
            }
            line
        }));
    }

    /// Asks every party for which there is a body, and waits until all of them answered or `limit` has passed. An answer may have `most`
    /// bytes. One entry for each party, in their order; [`Answer::Gone`] too for those that were not asked.
    ///
    /// # Errors
    /// [`Error::Caller`] unless there is one entry for each party.
    pub fn ask(&mut self, place: Place, bodies: Vec<Option<Vec<u8>>>, most: usize, limit: Duration) -> Result<Vec<Answer>> {
        if bodies.len() != self.lines.len() || place.stage >= CLOSED {
            return Err(Error::caller(format!(
                "`{}` questions at stage {}, there are `{}` parties",
                bodies.len(),
                place.stage,
                self.lines.len()
            )));
        }
        let mut answers: Vec<Answer> = Vec::with_capacity(bodies.len());
        for (line, body) in self.lines.iter_mut().zip(bodies) {
            let order = body.map(|body| Order { place, message: encode(place, &body), most });
            let asked = match (order, &line.orders) {
                (Some(order), Some(orders)) if line.lost.is_none() => orders.send(order).is_ok(),
                _ => false,
            };
            answers.push(if asked { Answer::Late } else { Answer::Gone });
        }
        let end = Instant::now() + limit;
        while answers.iter().any(|answer| matches!(answer, Answer::Late)) {
            let told = self.told.recv_timeout(end.saturating_duration_since(Instant::now()));
            let (at, era, told) = match told {
                Ok(told) => told,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            };
            let Some((line, answer)) = self.lines.get_mut(at).zip(answers.get_mut(at)).filter(|(line, _)| line.era == era) else {
                continue;
            };
            match told {
                Told::Answer(of, body) if of == place => *answer = Answer::Said(body),
                Told::Answer(..) => {}
                Told::Lost(error) => {
                    line.lost = Some(error);
                    line.orders = None;
                    *answer = Answer::Gone;
                }
            }
        }
        Ok(answers)
    }

    /// Tells every party that it is over, with a last word, and waits until those that listen have it, at most for `limit`. Returns their lines:
    /// the last word may still be on its way while they live.
    pub fn close(mut self, last: &[u8], limit: Duration) -> Vec<Channel> {
        let place = Place { round: u32::MAX, stage: CLOSED };
        for line in &mut self.lines {
            if let Some(orders) = line.orders.take().filter(|_| line.lost.is_none()) {
                let _ = orders.send(Order { place, message: encode(place, last), most: 0 });
            }
        }
        let heard = self.lines.iter_mut().filter(|line| line.lost.is_none()).filter_map(|line| line.thread.take());
        let (end, mut lines) = (Instant::now() + limit, Vec::new());
        for thread in heard.collect::<Vec<_>>() {
            while !thread.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_micros(200));
            }
            // one that still waits for an answer is left alone
            if thread.is_finished() {
                lines.extend(thread.join().ok());
            }
        }
        lines
    }
}

/// The last of the questions that wait; earlier ones are late already.
fn latest(orders: &Receiver<Order>) -> Option<Order> {
    let first = orders.recv().ok()?;
    Some(orders.try_iter().last().unwrap_or(first))
}

fn ask_in_turn(line: &mut Channel, orders: &Receiver<Order>, tell: impl Fn(Told) -> bool) -> Result<()> {
    while let Some(order) = latest(orders) {
        line.send(StarStep::Question, order.message)?;
        if order.place.stage == CLOSED {
            return Ok(());
        }
        let most = HEAD + order.most.max(MAX_REASON);
        let message = line.recv(StarStep::Answer, Expect::AtMost(most))?;
        let peer = |what: &str| Error::Peer { culprit: line.peer().to_owned(), step: "train.answer", what: what.to_owned() };
        let (place, body) = decode(&message).ok_or_else(|| peer("a message without a place"))?;
        if place.stage == REFUSED {
            let reason = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).collect::<String>();
            return Err(peer(&format!("it stopped: {reason}")));
        }
        if place != order.place || body.len() > order.most {
            return Err(peer("an answer to another question, or one that is too long"));
        }
        if !tell(Told::Answer(place, body.to_vec())) {
            return Ok(());
        }
    }
    Ok(())
}

/// The party's side: answers until the coordinator closes; returns its last word. A question may have `most` bytes. Rounds and stages
/// only go forward: a question that was asked before is refused, so that nothing is answered twice.
///
/// # Errors
/// What `answer` returns, after the coordinator was told in a word that this party stopped; [`Error::Peer`] for a coordinator that breaks
/// the protocol; the transport's.
pub fn serve(line: &mut Channel, most: usize, mut answer: impl FnMut(Place, &[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let mut last: Option<Place> = None;
    loop {
        let message = line.recv(StarStep::Question, Expect::AtMost(HEAD + most))?;
        let peer = |what: &str| Error::Peer { culprit: line.peer().to_owned(), step: "train.question", what: what.to_owned() };
        let (place, body) = decode(&message).ok_or_else(|| peer("a message without a place"))?;
        if place.stage == CLOSED {
            return Ok(body.to_vec());
        }
        if last.is_some_and(|last| place <= last) || place.stage == REFUSED {
            return Err(peer("a question that was asked before"));
        }
        last = Some(place);
        match answer(place, body) {
            Ok(body) => line.send(StarStep::Answer, encode(place, &body))?,
            Err(error) => {
                // what kind of error it is, not its words: they are for the own operator
                let refusal = encode(Place { stage: REFUSED, ..place }, error.kind().as_bytes());
                let _ = line.send(StarStep::Answer, refusal);
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::spawn;

    const MOST: usize = 1 << 16;
    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(700);

    fn place(round: u32) -> Place {
        Place { round, stage: 0 }
    }

    fn star(names: &[&str]) -> (Star, Vec<Channel>) {
        let (ours, theirs) = names.iter().map(|name| yu_wire::memory::pair("coordinator", name)).unzip();
        (Star::new(ours), theirs)
    }

    fn echo(mut line: Channel) -> JoinHandle<Result<Vec<u8>>> {
        spawn(move || serve(&mut line, MOST, |place, body| Ok([body, &[place.round as u8]].concat())))
    }

    #[test]
    fn everybody_answers_and_hears_the_end() {
        let (mut star, lines) = star(&["a", "b", "c"]);
        let parties: Vec<_> = lines.into_iter().map(echo).collect();
        for round in 0..3 {
            let answers = star.ask(place(round), vec![Some(vec![1]), None, Some(vec![3])], 8, LONG).unwrap();
            let said: Vec<_> = answers.into_iter().map(Answer::said).collect();
            assert_eq!(said, [Some(vec![1, round as u8]), None, Some(vec![3, round as u8])]);
        }
        star.close(b"done", LONG);
        for party in parties {
            assert_eq!(party.join().unwrap().unwrap(), b"done");
        }
    }

    #[test]
    fn a_slow_party_is_late_once_and_answers_the_last_question() {
        let (mut star, lines) = star(&["slow", "quick"]);
        let mut lines = lines.into_iter();
        let (mut slow, quick) = (lines.next().unwrap(), echo(lines.next().unwrap()));
        let (go, wait) = channel::<()>();
        let slow = spawn(move || {
            let mut asked = Vec::new();
            let end = serve(&mut slow, MOST, |place, _| {
                asked.push(place.round);
                if place.round == 0 {
                    wait.recv().unwrap();
                }
                Ok(vec![place.round as u8])
            });
            (asked, end)
        });
        let all = || vec![Some(Vec::new()), Some(Vec::new())];
        for round in 0..3 {
            let answers = star.ask(place(round), all(), 8, SHORT).unwrap();
            assert!(matches!(answers[0], Answer::Late) && matches!(answers[1], Answer::Said(_)), "round {round}");
        }
        go.send(()).unwrap();
        let answers = star.ask(place(3), all(), 8, LONG).unwrap();
        assert_eq!(answers.into_iter().filter_map(Answer::said).collect::<Vec<_>>(), [[3], [3]]);
        star.close(&[], LONG);
        let (asked, end) = slow.join().unwrap();
        end.unwrap();
        // those in between are skipped, the last one is not
        assert_eq!((asked[0], *asked.last().unwrap()), (0, 3));
        quick.join().unwrap().unwrap();
    }

    #[test]
    fn a_lost_party_is_named_and_may_come_back() {
        let (mut star, lines) = star(&["a", "b"]);
        let mut lines = lines.into_iter();
        let a = echo(lines.next().unwrap());
        drop(lines.next().unwrap());
        let all = || vec![Some(Vec::new()), Some(Vec::new())];
        let answers = star.ask(place(0), all(), 8, LONG).unwrap();
        assert!(matches!(answers[1], Answer::Gone) && star.lost(1).is_some() && star.lost(0).is_none());
        let (ours, theirs) = yu_wire::memory::pair("coordinator", "b");
        star.join(ours).unwrap();
        let b = echo(theirs);
        let answers = star.ask(place(1), all(), 8, LONG).unwrap();
        assert!(matches!(answers[1], Answer::Said(_)) && star.lost(1).is_none());
        assert!(star.join(yu_wire::memory::pair("coordinator", "mallory").0).is_err());
        star.close(&[], LONG);
        a.join().unwrap().unwrap();
        b.join().unwrap().unwrap();
    }

    #[test]
    fn a_party_that_stops_says_no_more_than_the_kind_of_its_error() {
        let (mut star, mut lines) = star(&["a"]);
        let mut line = lines.pop().unwrap();
        let party = spawn(move || serve(&mut line, MOST, |_, _| Err(Error::Budget("epsilon 3.2 of 3 at row 17".into()))));
        star.ask(place(0), vec![Some(Vec::new())], 8, LONG).unwrap();
        let told = star.lost(0).unwrap().to_string();
        assert!(told.contains("budget") && !told.contains("17"), "{told}");
        assert!(matches!(party.join().unwrap(), Err(Error::Budget(_))));
    }

    #[test]
    fn what_breaks_the_protocol_is_refused_by_name() {
        let peer = |error: Error| matches!(error, Error::Peer { culprit, .. } if culprit == "coordinator" || culprit == "a");
        // the same question twice, an empty one
        for second in [encode(place(4), b"x"), encode(place(3), b"x"), bytes::Bytes::from_static(b"1234")] {
            let (mut coordinator, mut line) = yu_wire::memory::pair("coordinator", "a");
            let (mut coordinator, party) = {
                let party = spawn(move || serve(&mut line, MOST, |_, _| Ok(Vec::new())));
                coordinator.send(StarStep::Question, encode(place(4), b"x")).unwrap();
                coordinator.recv(StarStep::Answer, Expect::AtMost(64)).unwrap();
                (coordinator, party)
            };
            coordinator.send(StarStep::Question, second).unwrap();
            assert!(peer(party.join().unwrap().unwrap_err()));
        }
        // an answer to another question, one that is too long, one without a place
        for answer in [encode(place(1), b"x"), encode(place(0), &[0; 9]), bytes::Bytes::from_static(b"")] {
            let (mut star, mut lines) = star(&["a"]);
            let mut line = lines.pop().unwrap();
            let party = spawn(move || {
                line.recv(StarStep::Question, Expect::AtMost(64)).unwrap();
                line.send(StarStep::Answer, answer).unwrap();
                line
            });
            let answers = star.ask(place(0), vec![Some(Vec::new())], 8, LONG).unwrap();
            assert!(matches!(answers[0], Answer::Gone) && matches!(star.lost(0), Some(Error::Peer { culprit, .. }) if culprit == "a"));
            drop(party.join().unwrap());
        }
    }
}
