//! Parties with rows, and a coordinator, on threads; whoever is killed comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::star::{Answer, Coordinator, Done, Party, Place, Plan, Star};
use yu_fedlearn::{Error, Result};
use yu_wire::channel::Channel;

pub(crate) struct Key(SigningKey);

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

pub(crate) struct Ring(Vec<VerifyingKey>);

impl Verifier for Ring {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.get(party as usize).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

pub(crate) fn key(party: usize) -> Key {
    Key(SigningKey::from_bytes(&[party as u8 + 1; 32]))
}

pub(crate) fn ring(parties: usize) -> Ring {
    Ring((0..parties).map(|party| key(party).0.verifying_key()).collect())
}

/// Settings of a training that a world can run.
pub(crate) trait Training: Clone + Send + 'static {
    type Trained;
    /// What the coordinator hears.
    type Told;

    fn coordinate(plan: &Plan<Self>, lines: Vec<Channel>, with: Coordinator<'_, Ring, Self::Told>) -> Result<Done<Self::Trained>>;

    /// Returns the last word; counts what the party heard.
    fn take_part(plan: &Plan<Self>, line: &mut Channel, with: Own<'_>, heard: &AtomicUsize, rng: &mut ChaCha20Rng) -> Result<Vec<u8>>;
}

/// A party before it is said how it hears of progress.
pub(crate) type Own<'a> = Party<'a, Key, Ring, ()>;

/// The party that hears with `told`.
pub(crate) fn hearing<'a, 'b: 'a, T: ?Sized>(own: Own<'b>, told: &'a mut T) -> Party<'a, Key, Ring, T> {
    let Party { index, rows, signer, verifier, resume, keep, .. } = own;
    Party { index, rows, signer, verifier, resume, keep, told }
}

/// A coordinator that stores nothing and lets nobody back in.
pub(crate) fn undisturbed<S: Training>(plan: &Plan<S>, lines: Vec<Channel>) -> Result<Done<S::Trained>> {
    let with = Coordinator {
        verifier: &ring(plan.parties.len()),
        resume: None,
        keep: &mut |_| Ok(()),
        arrived: &mut Vec::new,
        told: &mut |_| {},
        pause: &mut |_| {},
    };
    S::coordinate(plan, lines, with)
}

/// Who stops at which storing of its state, counted from 1; each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Coordinator(usize),
    Party(usize, usize),
}

/// One of four parties or the coordinator, at a storing below `end`.
pub(crate) fn crash(end: usize) -> impl Strategy<Value = Crash> {
    prop_oneof![(1..end).prop_map(Crash::Coordinator), (0usize..4, 1..end).prop_map(|(party, at)| Crash::Party(party, at))]
}

pub(crate) struct World<S> {
    pub(crate) plan: Plan<S>,
    pub(crate) rows: Vec<Dataset>,
    pub(crate) crashes: Vec<Crash>,
    /// A party that is away from its so-many-th storing on.
    pub(crate) leaves: Option<(usize, usize)>,
    /// How long the coordinator waits for those who are away.
    pub(crate) patience: Duration,
    heard: Arc<Vec<AtomicUsize>>,
}

/// What survives crashes.
struct Disk {
    states: Mutex<Vec<Option<Vec<u8>>>>,
    stored: Vec<AtomicUsize>,
    crashes: Mutex<Vec<Crash>>,
    leaves: Option<(usize, usize)>,
    /// Lines of those that came back; closed once the coordinator has ended: nobody would take them.
    lobby: Mutex<Option<Vec<Channel>>>,
}

impl Disk {
    /// Stores a state, or crashes. The coordinator is last.
    fn keep(&self, who: usize, bytes: &[u8]) -> Result<()> {
        let count = self.stored[who].fetch_add(1, Ordering::SeqCst) + 1;
        if self.leaves.is_some_and(|(party, at)| party == who && count >= at) {
            return Err(Error::Caller("away".into()));
        }
        let here = if who + 1 == self.stored.len() { Crash::Coordinator(count) } else { Crash::Party(who, count) };
        let mut crashes = self.crashes.lock().unwrap();
        let crash = crashes.iter().position(|crash| *crash == here).map(|at| crashes.remove(at));
        // half of them before it is stored, half after
        if crash.is_none() || count.is_multiple_of(2) {
            self.states.lock().unwrap()[who] = Some(bytes.to_vec());
        }
        crash.map_or(Ok(()), |_| Err(Error::Caller("killed".into())))
    }

    fn state(&self, who: usize) -> Option<Vec<u8>> {
        self.states.lock().unwrap()[who].clone()
    }
}

/// What was trained, its bytes, and what each party got.
type Ran<S, P> = (<S as Training>::Trained, Vec<u8>, Vec<P>);

impl<S: Training> World<S> {
    /// A world of one party for each set of rows.
    pub(crate) fn of(rows: Vec<Dataset>, features: &[&str], settings: S, patience: Duration) -> Self {
        let plan = Plan {
            job: [7; 32],
            coordinator: "platform".into(),
            parties: (0..rows.len()).map(|party| format!("party-{party}")).collect(),
            features: features.iter().map(|name| (*name).into()).collect(),
            target: "y".into(),
            settings,
        };
        let heard = Arc::new(rows.iter().map(|_| AtomicUsize::new(0)).collect());
        Self { plan, rows, crashes: Vec::new(), leaves: None, patience, heard }
    }

    /// How often each party heard of progress.
    pub(crate) fn heard(&self) -> Vec<usize> {
        self.heard.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// What was trained, its bytes, and what each party got, where all of them got something.
    pub(crate) fn run(&self) -> Result<Ran<S, Vec<u8>>> {
        let (trained, bytes, told) = self.run_with_losses()?;
        Ok((trained, bytes, told.into_iter().collect::<Result<_>>()?))
    }

    /// Runs until the coordinator is done, whoever is lost on the way.
    pub(crate) fn run_with_losses(&self) -> Result<Ran<S, Result<Vec<u8>>>> {
        let parties = self.rows.len();
        let disk = Arc::new(Disk {
            states: Mutex::new(vec![None; parties + 1]),
            stored: (0..=parties).map(|_| AtomicUsize::new(0)).collect(),
            crashes: Mutex::new(self.crashes.clone()),
            leaves: self.leaves,
            lobby: Mutex::default(),
        });
        loop {
            *disk.lobby.lock().unwrap() = Some(Vec::new());
            let (ours, theirs): (Vec<_>, Vec<_>) =
                self.plan.parties.iter().map(|name| yu_wire::memory::pair(&self.plan.coordinator, name)).unzip();
            let threads: Vec<_> = theirs.into_iter().enumerate().map(|(party, line)| self.party(party, line, &disk)).collect();
            let ended = self.coordinator(ours, &disk);
            // parties whose coordinator is gone end; those in the lobby too
            *disk.lobby.lock().unwrap() = None;
            let told = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            match ended {
                Ok(done) => return Ok((done.trained, done.bytes, told)),
                Err(Error::Caller(what)) if what == "killed" => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn coordinator(&self, lines: Vec<Channel>, disk: &Disk) -> Result<Done<S::Trained>> {
        let parties = self.rows.len();
        let (verifier, resume) = (ring(parties), disk.state(parties));
        let with = Coordinator {
            verifier: &verifier,
            resume: resume.as_deref(),
            keep: &mut |bytes| disk.keep(parties, bytes),
            arrived: &mut || disk.lobby.lock().unwrap().as_mut().map(std::mem::take).unwrap_or_default(),
            told: &mut |_| {},
            pause: &mut |_| {
                let end = Instant::now() + self.patience;
                while disk.lobby.lock().unwrap().as_ref().is_some_and(Vec::is_empty) && Instant::now() < end {
                    thread::sleep(Duration::from_millis(2));
                }
            },
        };
        S::coordinate(&self.plan, lines, with)
    }

    fn party(&self, party: usize, mut line: Channel, disk: &Arc<Disk>) -> JoinHandle<Result<Vec<u8>>> {
        let (plan, own, disk, heard) = (self.plan.clone(), self.rows[party].clone(), Arc::clone(disk), Arc::clone(&self.heard));
        thread::spawn(move || {
            let (signer, verifier) = (key(party), ring(plan.parties.len()));
            loop {
                let resume = disk.state(party);
                // who has stored nothing begins the same again
                let drawn = if resume.is_some() { disk.stored[party].load(Ordering::SeqCst) } else { 0 };
                let mut rng = ChaCha20Rng::seed_from_u64((100 + party + drawn) as u64);
                let with = Party {
                    index: party as u32,
                    rows: own.clone(),
                    signer: &signer,
                    verifier: &verifier,
                    resume: resume.as_deref(),
                    keep: &mut |bytes| disk.keep(party, bytes),
                    told: &mut (),
                };
                match S::take_part(&plan, &mut line, with, &heard[party], &mut rng) {
                    Err(Error::Caller(what)) if what == "killed" => {
                        let (ours, theirs) = yu_wire::memory::pair(&plan.coordinator, &plan.parties[party]);
                        line = theirs;
                        if let Some(lobby) = disk.lobby.lock().unwrap().as_mut() {
                            lobby.push(ours);
                        }
                    }
                    ended => return ended,
                }
            }
        })
    }

    /// One party by itself, which stores nothing.
    pub(crate) fn alone(&self, party: usize, mut line: Channel) -> JoinHandle<Result<Vec<u8>>> {
        let (plan, rows, heard) = (self.plan.clone(), self.rows[party].clone(), Arc::clone(&self.heard));
        thread::spawn(move || {
            let (signer, verifier) = (&key(party), &ring(plan.parties.len()));
            let with = Party { index: party as u32, rows, signer, verifier, resume: None, keep: &mut |_| Ok(()), told: &mut () };
            S::take_part(&plan, &mut line, with, &heard[party], &mut ChaCha20Rng::seed_from_u64(party as u64))
        })
    }

    /// What the first party answers to raw questions at their stages, round by round, and how it ends.
    pub(crate) fn ask(&self, questions: &[(u8, Vec<u8>)], last: Option<&[u8]>) -> (Vec<Option<Vec<u8>>>, Result<Vec<u8>>) {
        const LIMIT: Duration = Duration::from_secs(20);
        let (ours, line) = yu_wire::memory::pair("platform", "party-0");
        let party = self.alone(0, line);
        let mut star = Star::new(vec![ours]);
        let mut answers = Vec::new();
        for (round, (stage, question)) in (1..).zip(questions) {
            let place = Place { round, stage: *stage };
            let answer = star.ask(place, vec![Some(question.clone())], 1 << 20, LIMIT).unwrap();
            answers.extend(answer.into_iter().map(Answer::said));
        }
        match last {
            Some(last) => drop(star.close(last, LIMIT)),
            None => drop(star),
        }
        (answers, party.join().unwrap())
    }
}

/// Stage of a task among [`World::ask`]'s questions.
pub(crate) const TASK: u8 = 3;

pub(crate) fn blames_the_coordinator(ended: Result<Vec<u8>>, word: &str) {
    match ended {
        Err(Error::Peer { culprit, what, .. }) => assert!(culprit == "platform" && what.contains(word), "{word}: {what}"),
        Err(other) => panic!("{word}: {other}"),
        Ok(_) => panic!("{word}: accepted"),
    }
}
