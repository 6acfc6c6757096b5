//! Parties on threads over channels in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_mpc::psi::{self, Config, Limits};
use yu_mpc::rep3::{Context, SealedShare, reconstruct};
use yu_mpc::stats::{self, LocalData, Role, Statistics, StatsPlan};
use yu_mpc::{Result, SessionId};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;
use yu_wire::seal::SealKey;

pub(crate) const NAMES: [&str; 3] = ["health", "bank", "platform"];
pub(crate) const SESSION: SessionId = [7; 32];
pub(crate) const ROLES: [Role; 3] = [Role::Left, Role::Right, Role::Helper];

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Runs one closure per party on its own thread.
pub(crate) fn on_threads<T: Send, R: Send>(inputs: Vec<T>, party: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let party = &party;
        let threads: Vec<_> = inputs.into_iter().enumerate().map(|(index, input)| scope.spawn(move || party(index, input))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// `(prev, next)` of each party.
pub(crate) fn ring() -> Vec<(Channel, Channel)> {
    let mut mesh = yu_wire::memory::mesh(&NAMES);
    (0..3).map(|i| (mesh[i][(i + 2) % 3].take().unwrap(), mesh[i][(i + 1) % 3].take().unwrap())).collect()
}

pub(crate) fn context(index: usize, (prev, next): (Channel, Channel)) -> Result<Context> {
    Context::new(index, &SESSION, prev, next, &mut rng(100 + index as u64))
}

/// Three contexts, one closure.
pub(crate) fn three<R: Send>(party: impl Fn(&mut Context) -> R + Sync) -> [R; 3] {
    let results = on_threads(ring(), |index, channels| party(&mut context(index, channels).unwrap()));
    results.try_into().unwrap_or_else(|_| unreachable!())
}

pub(crate) fn config(party: &str) -> Config {
    Config { party: party.into(), session: SESSION, limits: Limits::NONE, expected_peer_rows: None }
}

pub(crate) fn names(prefix: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|row| format!("{prefix}{row}")).collect()
}

/// Both sides of an alignment: matched rows and meters.
pub(crate) fn align(left: &[String], right: &[String]) -> [(Vec<u64>, Totals); 2] {
    let (a, b) = yu_wire::memory::pair(NAMES[0], NAMES[1]);
    let results = on_threads(vec![(a, left), (b, right)], |index, (mut channel, keys)| {
        let matched = psi::run(&mut channel, config(NAMES[index]), keys, &mut rng(index as u64)).unwrap();
        (matched.rows().to_vec(), channel.meter().totals())
    });
    results.try_into().unwrap_or_else(|_| unreachable!())
}

/// What the recipient gets and what each party's meter shows.
pub(crate) struct Job {
    pub(crate) statistics: Statistics,
    pub(crate) totals: Vec<Totals>,
    pub(crate) matched: u64,
}

/// One input side of a job.
pub(crate) struct Table {
    pub(crate) keys: Vec<String>,
    /// `rows x columns`
    pub(crate) numeric: Vec<Vec<f64>>,
    pub(crate) groups: Option<Vec<u32>>,
}

impl Table {
    fn aligned(&self, rows: &[u64], columns: usize) -> LocalData {
        let cells = rows.iter().flat_map(|row| self.numeric[*row as usize].iter().copied()).collect();
        LocalData {
            numeric: ndarray::Array2::from_shape_vec((rows.len(), columns), cells).unwrap(),
            groups: self.groups.as_ref().map(|groups| rows.iter().map(|row| groups[*row as usize]).collect()),
        }
    }
}

/// Alignment, statistics, sealing and opening by the reviewer.
pub(crate) fn job(plan: &StatsPlan, left: &Table, right: &Table) -> Job {
    let reviewer = SealKey::generate(&mut rng(9));
    let sealed: Mutex<HashMap<usize, SealedShare>> = Mutex::default();
    let results = on_threads(ring(), |index, (mut prev, mut next)| {
        let mut random = rng(index as u64);
        let tables = [Some((left, &plan.left)), Some((right, &plan.right)), None];
        let data = tables[index].map(|(table, side)| {
            let channel = if index == 0 { &mut next } else { &mut prev };
            let matched = psi::run(channel, config(NAMES[index]), &table.keys, &mut random).unwrap();
            table.aligned(matched.rows(), side.columns.len())
        });
        let mut ctx = Context::new(index, &SESSION, prev, next, &mut random).unwrap();
        let n = data.as_ref().map(|data| data.numeric.nrows() as u64);
        let n = stats::agree(&mut ctx, plan, ROLES[index], n).unwrap();
        let output = stats::run(&mut ctx, plan, ROLES[index], data.as_ref(), n).unwrap();
        let share = output.seal(&ctx, &reviewer.public(), b"result", b"job", &mut random).unwrap();
        sealed.lock().unwrap().insert(index, share);
        (ctx.totals(), n)
    });
    let sealed = sealed.into_inner().unwrap();
    let shares = [0, 1, 2].map(|index| sealed[&index].clone());
    let values = reconstruct(&reviewer, NAMES, &shares, b"result", b"job").unwrap();
    let statistics = stats::assemble(&stats::Layout::of(plan).unwrap(), &values).unwrap();
    Job { statistics, totals: results.iter().map(|(totals, _)| *totals).collect(), matched: results[0].1 }
}
