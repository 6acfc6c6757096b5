//! Secure aggregation alone, all parties in memory: set-up once, then rounds.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use yu_fedlearn::secagg::simulate::{Job, Stage};
use yu_fedlearn::secagg::{Adversary, Config, Params, Topology};

use super::rounds::{Key, Ring, keys};
use super::{FedlearnArgs, less, median};
use crate::Result;
use crate::desensitize::Row;

struct Case {
    name: &'static str,
    parties: usize,
    len: usize,
    gone: u32,
    limit: Option<f64>,
    aim: Option<f64>,
}

const CASES: [Case; 3] = [
    Case { name: "10 parties, 1 M 16-bit weights", parties: 10, len: 1_000_000, gone: 0, limit: Some(120.0), aim: Some(80.0) },
    Case { name: "the same, 3 parties dropping out", parties: 10, len: 1_000_000, gone: 3, limit: None, aim: None },
    Case { name: "100 parties, 100 000 16-bit weights", parties: 100, len: 100_000, gone: 0, limit: None, aim: None },
];

fn measure(case: &Case, runs: u32) -> Result<[f64; 3]> {
    let config = Arc::new(Config::new(Params {
        job: [3; 32],
        first_round: 0,
        rounds: runs,
        server: "platform".into(),
        parties: (0..case.parties).map(|party| format!("party{party}")).collect(),
        len: case.len,
        bits: 16,
        long: 0,
        adversary: Adversary::SemiHonest,
        // many parties: a tenth of them may collude, a tenth may drop out
        topology: Some(case.parties)
            .filter(|parties| *parties > 32)
            .and_then(|parties| Topology::sparse(parties, parties / 10, parties / 10).ok())
            .unwrap_or_else(|| Topology::recommended(case.parties, Adversary::SemiHonest)),
    })?);
    let (signers, verifier): (Vec<Key>, Ring) = keys(case.parties);
    let inputs: Vec<Vec<u32>> = (0..case.parties as u32)
        .into_par_iter()
        .map(|party| (0..case.len as u32).map(|at| (at.wrapping_mul(2_654_435_761) ^ party.wrapping_mul(40_503)) & 0xffff).collect())
        .collect();
    let gone: Vec<(u32, Stage)> = (0..case.gone).map(|party| (3 * party, Stage::Masked)).collect();
    let start = Instant::now();
    let mut job = Job::new(config, &signers, &verifier, &[], &[4; 32])?;
    let set_up = start.elapsed().as_secs_f64();
    let (mut times, mut bytes) = (Vec::new(), 0);
    for round in 0..runs {
        let start = Instant::now();
        let result = job.round(round, &inputs, &gone)?;
        times.push(start.elapsed().as_secs_f64());
        bytes = result.costs.first().and_then(|cost| cost.up.iter().max()).copied().unwrap_or(0);
        let there = |party: &u32| !gone.iter().any(|(away, _)| away == party);
        let expected = |at: usize| {
            (0..case.parties as u32)
                .filter(there)
                .filter_map(|party| inputs.get(party as usize)?.get(at))
                .map(|v| u64::from(*v))
                .sum::<u64>()
        };
        if ![0, case.len / 2, case.len - 1].into_iter().all(|at| result.sum.weights.get(at) == Some(&expected(at))) {
            return Err("a sum is wrong".into());
        }
    }
    Ok([1e3 * median(times), 1e3 * set_up, bytes as f64 / case.len as f64])
}

/// Wall time of a round, of the set-up, bytes a weight.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let subject = "secure aggregation";
    let (mut found, mut whole) = (Vec::new(), f64::NAN);
    for case in CASES.iter().filter(|case| args.wants(subject, case.name)) {
        let [round, set_up, bytes] = measure(case, args.runs)?;
        let limit = if case.gone > 0 { Some(2.0 * whole).filter(|limit| limit.is_finite()) } else { case.limit };
        if case.gone == 0 && case.parties == 10 {
            whole = round;
        }
        found.push(less(subject, format!("{}: a round", case.name), round, "ms", limit, case.aim));
        found.push(less(subject, format!("{}: set-up of {} rounds", case.name, args.runs), set_up, "ms", None, None));
        let packed = (case.parties == 10).then_some(2.501);
        found.push(less(subject, format!("{}: sent by a party, a weight", case.name), bytes, "B", packed, None));
    }
    Ok(found)
}
