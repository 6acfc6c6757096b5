//! Parties and a coordinator on threads; whoever is killed comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::trees::Boosting;
use yu_fedlearn::trees::horizontal::{Aggregation, Coordinator, Party, Plan, Progress, Settings, Trained, coordinate, take_part};
use yu_fedlearn::{Error, Result};
use yu_wire::channel::Channel;

use crate::train::{key, ring};

pub(super) const SECURE: Aggregation = Aggregation::Secure { malicious: false };

pub(super) fn settings(aggregation: Aggregation, boosting: Boosting) -> Settings {
    Settings { boosting, bins: 8, aggregation, quorum: 0, deadline_s: 20, danger_small_leaves: false }
}

pub(super) fn small() -> Boosting {
    Boosting { trees: 4, depth: 3, rate: 0.3, min_rows: 10, ..Boosting::default() }
}

/// Rows whose class follows from two of three columns; values of the third are few.
pub(super) fn rows(count: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let mut x = ndarray::Array2::zeros((count, 3));
    let mut y = Vec::new();
    for mut row in x.rows_mut() {
        let (a, b, c) = (unit(), unit(), unit());
        row.assign(&ndarray::arr1(&[400.0 * a, b.powi(3), (3.0 * c).round()]));
        y.push(if a * b + 0.3 * c + 0.2 * unit() > 0.0 { 1.0 } else { 0.0 });
    }
    Dataset::new(x, y).unwrap()
}

/// The trees, their bytes, and what each party got.
pub(super) type Ran = (Trained, Vec<u8>, Vec<Result<Vec<u8>>>);

/// Who stops at which storing of its state, counted from 1; each once. The coordinator is last.
pub(super) type Crash = (usize, usize);

pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) rows: Vec<Dataset>,
    pub(super) crashes: Vec<Crash>,
    /// A party that is away from its so-many-th storing on.
    pub(super) leaves: Option<Crash>,
    pub(super) exchanges: AtomicUsize,
}

struct Disk {
    states: Mutex<Vec<Option<Vec<u8>>>>,
    stored: Vec<AtomicUsize>,
    crashes: Mutex<Vec<Crash>>,
    leaves: Option<Crash>,
    lobby: Mutex<Vec<Channel>>,
}

impl Disk {
    fn keep(&self, who: usize, bytes: &[u8]) -> Result<()> {
        let count = self.stored[who].fetch_add(1, Ordering::SeqCst) + 1;
        if self.leaves.is_some_and(|(party, at)| party == who && count >= at) {
            return Err(Error::Caller("away".into()));
        }
        let mut crashes = self.crashes.lock().unwrap();
        if let Some(at) = crashes.iter().position(|crash| *crash == (who, count)) {
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
    pub(super) fn new(rows: Vec<Dataset>, settings: Settings) -> Self {
        let plan = Plan {
            job: [7; 32],
            coordinator: "platform".into(),
            parties: (0..rows.len()).map(|party| format!("party-{party}")).collect(),
            features: (0..rows[0].columns()).map(|column| format!("x{column}")).collect(),
            target: "y".into(),
            settings,
        };
        Self { plan, rows, crashes: Vec::new(), leaves: None, exchanges: AtomicUsize::new(0) }
    }

    /// Runs until the coordinator is done.
    pub(super) fn run(&self) -> Result<Ran> {
        let parties = self.rows.len();
        let disk = Arc::new(Disk {
            states: Mutex::new(vec![None; parties + 1]),
            stored: (0..=parties).map(|_| AtomicUsize::new(0)).collect(),
            crashes: Mutex::new(self.crashes.clone()),
            leaves: self.leaves,
            lobby: Mutex::default(),
        });
        loop {
            let (ours, theirs): (Vec<_>, Vec<_>) =
                self.plan.parties.iter().map(|name| yu_wire::memory::pair(&self.plan.coordinator, name)).unzip();
            let threads: Vec<_> = theirs.into_iter().enumerate().map(|(party, line)| self.party(party, line, &disk)).collect();
            let ended = self.coordinator(ours, &disk);
            disk.lobby.lock().unwrap().clear();
            let told: Vec<Result<Vec<u8>>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            match ended {
                Ok((trained, bytes)) => return Ok((trained, bytes, told)),
                Err(Error::Caller(what)) if what == "killed" => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn coordinator(&self, lines: Vec<Channel>, disk: &Disk) -> Result<(Trained, Vec<u8>)> {
        let parties = self.rows.len();
        let (verifier, resume) = (ring(parties), disk.state(parties));
        let with = Coordinator {
            verifier: &verifier,
            resume: resume.as_deref(),
            keep: &mut |bytes| disk.keep(parties, bytes),
            arrived: &mut || std::mem::take(&mut *disk.lobby.lock().unwrap()),
            told: &mut |_: &Progress| {
                self.exchanges.fetch_add(1, Ordering::SeqCst);
            },
            pause: &mut |_| thread::sleep(std::time::Duration::from_millis(50)),
        };
        coordinate(&self.plan, lines, with).map(|done| (done.trained, done.bytes))
    }

    fn party(&self, party: usize, mut line: Channel, disk: &Arc<Disk>) -> thread::JoinHandle<Result<Vec<u8>>> {
        let (plan, own, disk) = (self.plan.clone(), self.rows[party].clone(), Arc::clone(disk));
        thread::spawn(move || {
            let mut rng = ChaCha20Rng::seed_from_u64(party as u64);
            let (signer, verifier) = (key(party), ring(plan.parties.len()));
            loop {
                let resume = disk.state(party);
                let with = Party {
                    index: party as u32,
                    rows: own.clone(),
                    signer: &signer,
                    verifier: &verifier,
                    resume: resume.as_deref(),
                    keep: &mut |bytes| disk.keep(party, bytes),
                    told: &mut |_| {},
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
