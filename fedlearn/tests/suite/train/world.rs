//! Parties with rows about the same thing, and a coordinator.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::model::Spec;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::strategy::{Local, Strategy};
use yu_fedlearn::train::{Aggregation, Coordinator, Party, Plan, Settings, Trained, coordinate, take_part};
use yu_fedlearn::{Error, Result};
use yu_wire::channel::Channel;

pub(crate) struct Key(pub(crate) SigningKey);

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

pub(crate) struct Ring(pub(crate) Vec<VerifyingKey>);

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

pub(crate) fn clear(_: usize) -> Aggregation {
    Aggregation::Clear
}

pub(crate) fn secure(_: usize) -> Aggregation {
    Aggregation::Secure { bits: 24, bound: 1.0, malicious: false }
}

/// Logistic regression, a few local steps.
pub(crate) fn settings(aggregation: Aggregation, rounds: u32) -> Settings {
    let local = Local {
        epochs: 2,
        batch: 16,
        learning_rate: 0.1,
        momentum: 0.0,
        proximal: 0.0,
        correction: yu_fedlearn::strategy::Correction::None,
        private: None,
    };
    Settings {
        model: Spec::Logistic { l2: 0.001 },
        strategy: Strategy { local, server: Default::default(), weighting: Default::default() },
        rounds,
        aggregation,
        privacy: None,
        quorum: 0,
        deadline_s: 20,
        holdout: 5,
        standardise: true,
    }
}

/// Rows whose class follows from two columns of different units; the third is noise.
pub(crate) fn rows(party: usize, count: usize) -> Dataset {
    let mut rng = ChaCha20Rng::seed_from_u64(party as u64);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let mut x = Array2::zeros((count, 3));
    let mut y = Vec::new();
    for mut row in x.rows_mut() {
        let (a, b, c) = (unit(), unit(), unit());
        row.assign(&ndarray::arr1(&[4.0 * a, 100.0 + 10.0 * b, c]));
        y.push(if a + b + 0.2 * unit() > 0.0 { 1.0 } else { 0.0 });
    }
    Dataset::new(x, y).unwrap()
}

/// Who stops at which storing of its state, counted from 1; each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Coordinator(usize),
    Party(usize, usize),
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) crashes: Vec<Crash>,
    heard: Vec<Arc<AtomicUsize>>,
}

/// What survives crashes.
struct Disk {
    states: Mutex<Vec<Option<Vec<u8>>>>,
    stored: Vec<AtomicUsize>,
    crashes: Mutex<Vec<Crash>>,
    lobby: Mutex<Vec<Channel>>,
}

impl Disk {
    /// Stores a state, or crashes. The coordinator is last.
    fn keep(&self, who: usize, bytes: &[u8]) -> Result<()> {
        let count = self.stored[who].fetch_add(1, Ordering::SeqCst) + 1;
        let here = if who + 1 == self.stored.len() { Crash::Coordinator(count) } else { Crash::Party(who, count) };
        let mut crashes = self.crashes.lock().unwrap();
        if let Some(at) = crashes.iter().position(|crash| *crash == here) {
            crashes.remove(at);
            // half of them before it is stored, half after
            if count.is_multiple_of(2) {
                self.states.lock().unwrap()[who] = Some(bytes.to_vec());
            }
            return Err(Error::Caller("killed".into()));
        }
        self.states.lock().unwrap()[who] = Some(bytes.to_vec());
        Ok(())
    }

    fn state(&self, who: usize) -> Option<Vec<u8>> {
        self.states.lock().unwrap()[who].clone()
    }
}

impl World {
    pub(crate) fn new(parties: usize, settings: Settings) -> Self {
        let plan = Plan {
            job: [7; 32],
            coordinator: "platform".into(),
            parties: (0..parties).map(|party| format!("party-{party}")).collect(),
            features: vec!["a".into(), "b".into(), "c".into()],
            target: "y".into(),
            settings,
        };
        Self { plan, crashes: Vec::new(), heard: (0..parties).map(|_| Arc::default()).collect() }
    }

    pub(crate) fn heard(&self) -> Vec<usize> {
        self.heard.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Runs until the coordinator is done; whoever is killed comes back.
    pub(crate) fn run(&mut self) -> Result<(Trained, Vec<u8>, Vec<Vec<u8>>)> {
        let parties = self.plan.parties.len();
        let disk = Arc::new(Disk {
            states: Mutex::new(vec![None; parties + 1]),
            stored: (0..=parties).map(|_| AtomicUsize::new(0)).collect(),
            crashes: Mutex::new(self.crashes.clone()),
            lobby: Mutex::default(),
        });
        loop {
            let (ours, theirs): (Vec<_>, Vec<_>) =
                self.plan.parties.iter().map(|name| yu_wire::memory::pair(&self.plan.coordinator, name)).unzip();
            let threads: Vec<_> = theirs.into_iter().enumerate().map(|(party, line)| self.party(party, line, &disk)).collect();
            let ended = self.coordinator(ours, &disk);
            // parties whose coordinator is gone end; those in the lobby too
            disk.lobby.lock().unwrap().clear();
            let told: Vec<Result<Vec<u8>>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            match ended {
                Ok((trained, bytes)) => return Ok((trained, bytes, told.into_iter().collect::<Result<_>>()?)),
                Err(Error::Caller(what)) if what == "killed" => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn coordinator(&self, lines: Vec<Channel>, disk: &Disk) -> Result<(Trained, Vec<u8>)> {
        let parties = self.plan.parties.len();
        let (verifier, resume) = (ring(parties), disk.state(parties));
        let with = Coordinator {
            verifier: &verifier,
            resume: resume.as_deref(),
            keep: &mut |bytes| disk.keep(parties, bytes),
            arrived: &mut || disk.lobby.lock().unwrap().drain(..).collect(),
            told: &mut |_| {},
            pause: &mut |_| {
                let end = Instant::now() + Duration::from_secs(10);
                while disk.lobby.lock().unwrap().is_empty() && Instant::now() < end {
                    thread::sleep(Duration::from_millis(2));
                }
            },
        };
        coordinate(&self.plan, lines, with).map(|done| (done.trained, done.bytes))
    }

    fn party(&self, party: usize, line: Channel, disk: &Arc<Disk>) -> thread::JoinHandle<Result<Vec<u8>>> {
        let (plan, disk, heard) = (self.plan.clone(), Arc::clone(disk), Arc::clone(&self.heard[party]));
        thread::spawn(move || {
            let mut line = line;
            loop {
                let (resume, verifier) = (disk.state(party), ring(plan.parties.len()));
                let mut rng = ChaCha20Rng::seed_from_u64(100 + party as u64 + disk.stored[party].load(Ordering::SeqCst) as u64);
                if resume.is_none() {
                    rng = ChaCha20Rng::seed_from_u64(100 + party as u64);
                }
                let with = Party {
                    index: party as u32,
                    rows: rows(party, 150),
                    signer: &key(party),
                    verifier: &verifier,
                    resume: resume.as_deref(),
                    keep: &mut |bytes| disk.keep(party, bytes),
                    told: &mut |_| {
                        heard.fetch_add(1, Ordering::SeqCst);
                    },
                };
                match take_part(&plan, &mut line, with, &mut rng) {
                    Ok((_, bytes)) => return Ok(bytes),
                    Err(Error::Caller(what)) if what == "killed" => {
                        let (ours, theirs) = yu_wire::memory::pair(&plan.coordinator, &plan.parties[party]);
                        line = theirs;
                        disk.lobby.lock().unwrap().push(ours);
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }
}
