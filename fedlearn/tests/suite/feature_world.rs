//! Three parties in memory, real tables, and one way to run the same program on every engine.

use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_mpc::clear::Clear;
use yu_mpc::cost::Cost;
use yu_mpc::dry::Dry;
use yu_mpc::engine::Engine;
use yu_mpc::rep3::{Context, Malicious};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;

pub(crate) const NAMES: [&str; 3] = ["bank", "insurer", "platform"];

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A program and what it returns, the same at every party.
pub(crate) trait Joint: Sync {
    type Out: Send;
    /// `party` is `None` where one process knows all inputs.
    fn run<E: Engine>(&self, engine: &mut E, party: Option<usize>) -> Self::Out;
}

/// The values at their owner only; all of them on an engine of one process.
pub(crate) fn at<T>(owner: usize, party: Option<usize>, values: T) -> Option<T> {
    party.is_none_or(|party| party == owner).then_some(values)
}

pub(crate) fn clear<J: Joint>(program: &J) -> J::Out {
    program.run(&mut Clear, None)
}

fn on_threads<R: Send>(party: impl Fn(usize, Channel, Channel) -> R + Sync) -> Vec<R> {
    let mut mesh = yu_wire::memory::mesh(&NAMES);
    let ring: Vec<_> = (0..3).map(|i| (mesh[i][(i + 2) % 3].take().unwrap(), mesh[i][(i + 1) % 3].take().unwrap())).collect();
    std::thread::scope(|scope| {
        let party = &party;
        let spawn = |(index, (prev, next))| scope.spawn(move || party(index, prev, next));
        let threads: Vec<_> = ring.into_iter().enumerate().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Three semi-honest parties: what each got and what its meter shows.
pub(crate) fn three<J: Joint>(program: &J) -> Vec<(J::Out, Totals)> {
    on_threads(|index, prev, next| {
        let mut context = Context::new(index, &[7; 32], prev, next, &mut rng(100 + index as u64)).unwrap();
        let out = program.run(&mut context, Some(index));
        (out, context.totals())
    })
}

/// Three parties against a malicious one.
pub(crate) fn three_checked<J: Joint>(program: &J) -> Vec<J::Out> {
    on_threads(|index, prev, next| {
        let mut context = Malicious::new(index, &[8; 32], prev, next, &mut rng(200 + index as u64)).unwrap();
        program.run(&mut context, Some(index))
    })
}

/// What a dry run says.
pub(crate) fn predicted<J: Joint>(program: &J) -> Cost {
    let mut dry = Dry::<Context>::new(&NAMES);
    program.run(&mut dry, Some(usize::MAX));
    dry.cost().unwrap()
}

/// The meters of a run are what a dry run says; bytes of all parties and rounds.
pub(crate) fn cost_is_exact<J: Joint>(program: &J, totals: &[Totals]) -> (u64, u32) {
    let cost = predicted(program);
    for (name, totals) in NAMES.iter().zip(totals) {
        let expected = cost.party(name).unwrap();
        assert_eq!((totals.bytes_sent, totals.bytes_received), (expected.bytes_sent, expected.bytes_received), "{name}");
        assert_eq!(totals.rounds, expected.rounds, "{name}");
    }
    (cost.bytes, cost.rounds)
}

/// Header and rows of a file of numbers; none if the data are not there, which is said.
pub(crate) fn table(path: &str) -> Option<(Vec<String>, Vec<Vec<f64>>)> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let file = std::env::var_os("YU_SHARED").map_or_else(beside, PathBuf::from).join("data").join(path);
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: no data/{path} in $YU_SHARED or beside the workspace");
        return None;
    };
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').map(String::from).collect();
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    Some((names, lines.map(row).collect()))
}

/// One column of [`table`].
pub(crate) fn column((names, rows): &(Vec<String>, Vec<Vec<f64>>), name: &str) -> Vec<f64> {
    let at = names.iter().position(|other| other == name).unwrap();
    rows.iter().map(|row| row[at]).collect()
}
