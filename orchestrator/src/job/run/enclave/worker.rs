//! The worker's side: proves itself to both providers, opens their rows, joins them, runs the module, seals the result.

use super::{
    Code, EnclaveTerms, Exchange, Expect, Fault, HOLDERS, Handover, KEY_BYTES, Keys, Line, Nonce, Piece, Result, RunKey, Scene, Share, aad,
    cipher, enclave, exchange, leaf_hash, measure, plan, result_message, rng, sessions, share, subject,
};
use crate::attest::attester::attester;
use crate::job::enclave::{DIGEST, INPUT_HEAD, TAG};
use crate::job::report::Report;
use crate::journal::Note;
use crate::keys::now;
use crate::wasm::{Limits, Module, Runner, modules};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use aws_lc_rs::aead::Aad;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use yu_governance::contract::{Contract, Side};
use yu_mpc::stats::{ColumnSummary, GroupSummary, Statistics};
use yu_tee_attest::binding::Session;
use yu_tee_attest::release::SessionKey;
use yu_wire::seal::{SealPublic, seal};
use zeroize::{Zeroize, Zeroizing};

/// One side's rows, opened.
struct Rows {
    digests: Vec<[u8; DIGEST as usize]>,
    /// Row by row.
    numeric: Vec<f64>,
    columns: usize,
    /// Column by column.
    codes: Vec<Vec<u32>>,
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.digests.zeroize();
        self.numeric.zeroize();
        self.codes.zeroize();
    }
}

pub(super) fn compute(scene: &Scene<'_>, terms: &EnclaveTerms, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, say, .. } = *scene;
    let mut rng = rng();
    let module = load(node.home(), &terms.module)?;
    let attester = attester(node.home())?;
    let subject = subject(scene, terms)?;
    let own_leaf = leaf_hash(node.keys().identity.leaf_der())?;
    let sides = sides(contract)?;
    say(30, "attest");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "attest"))?;
    node.store().key_made(job, RunKey::SessionKey.as_str())?;
    let mut proved: Vec<(SessionKey, Session)> = Vec::new();
    for (party, ..) in &sides {
        let session = open.session(party)?;
        let ends = || session.ends().map_err(Fault::from);
        let mut line = Line { channel: open.channel(party)?, ends: &ends, own_leaf };
        proved.push(exchange::prove(&mut line, &subject, attester.as_ref(), &mut rng)?);
    }
    say(50, "inputs");
    let mut sealed = Vec::new();
    let mut commitments = Vec::new();
    let mut shares: [Vec<Share>; 2] = [Vec::new(), Vec::new()];
    for (at, ((party, columns, codes, rows), (key, session))) in sides.iter().zip(&proved).enumerate() {
        let bytes = enclave::input_bytes(*rows, *columns as u64, *codes as u64).and_then(|n| usize::try_from(n).ok());
        let most = bytes.ok_or_else(|| Fault::new(Code::Input, "the input is too long"))?;
        let channel = open.channel(party)?;
        sealed.push(channel.recv(Exchange::Input, Expect::AtMost(most))?);
        let keys = channel.recv(Exchange::Key, Expect::AtMost(1 << 14))?;
        let broken = || Fault::new(Code::PeerProtocol, "released keys").party(party.clone());
        let keys: Keys = serde_json::from_slice(&keys).map_err(|_| broken())?;
        commitments.push(keys.commitment);
        for (which, released) in keys.shares.iter().enumerate() {
            // a provider's own share is of its own key, the other one of the other's
            let of = if which == 0 { at } else { 1 - at };
            let part = Share::from_key(&key.open(session, released).map_err(|f| Fault::from(f).party(party.clone()))?)?;
            if let Some(list) = shares.get_mut(of) {
                list.push(part);
            }
        }
    }
    drop(proved);
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "attest").count("keys", u64::from(HOLDERS)))?;
    say(60, "join");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "module"))?;
    let (mut opened, mut keys) = (Vec::new(), Vec::new());
    for ((((party, columns, codes, rows), sealed), commitment), shares) in sides.iter().zip(sealed).zip(&commitments).zip(&shares) {
        let key = share::combine(shares, commitment).map_err(|f| Fault::from(f).party(party.clone()))?;
        opened.push(open_rows(&key, &aad(job, party), sealed.to_vec(), (*columns, *codes, *rows), party)?);
        keys.push(key);
    }
    drop(shares);
    let statistics = statistics(contract, &module, &opened)?;
    drop(opened);
    // rounded here already, and without what the contract withholds: the environment tells nobody more
    let statistics = Report::Statistics(statistics).publishable(contract);
    say(90, "seal");
    let document = Zeroizing::new(serde_json::to_vec(&statistics).map_err(|e| Fault::new(Code::Bug, e.to_string()))?);
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let share = seal(&reviewer, enclave::INFO, job.as_bytes(), &document, &mut rng)?;
    // what the reviewer gets is what the environment made: both providers vouch for it, and only the environment has their keys
    let hash = enclave::result_hash(&share)?;
    for ((party, ..), key) in sides.iter().zip(&keys) {
        open.channel(party)?.send(Exchange::Result, result_message(key, job, &hash).to_vec().into())?;
    }
    let first = sides.first().map(|side| side.0.clone()).unwrap_or_default();
    measure(scene, open.channel(&first)?)?;
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "module"))?;
    node.store().add_event(job, "module-ran", &json!({ "module": terms.module.to_string() }), now().unix())?;
    Ok(Handover { share: Piece::Whole(share), attestation: None })
}

/// Names of the sides in their order, with what the contract says of their inputs.
fn sides(contract: &Contract) -> Result<[(String, usize, usize, u64); 2]> {
    let statistics = &plan::joint_terms(contract)?.statistics;
    let (left, right) = plan::rows(contract)?;
    let codes = |side| plan::categorical(contract, side).len();
    Ok([
        (statistics.left.party.to_string(), statistics.left.columns.len(), codes(Side::Left), left),
        (statistics.right.party.to_string(), statistics.right.columns.len(), codes(Side::Right), right),
    ])
}

/// The module by its hash: one that comes with Yu, or `DIR/modules/HASH.wasm`.
fn load(home: &crate::home::Home, hash: &Hash) -> Result<Module> {
    if let Ok(module) = Module::load(modules::STATISTICS, hash) {
        return Ok(module);
    }
    let path = home.path("modules").join(format!("{}.wasm", hash.to_hex()));
    let bytes = std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
    Ok(Module::load(&bytes, hash)?)
}

fn open_rows(key: &[u8; KEY_BYTES], aad: &[u8], sealed: Vec<u8>, (columns, codes, most): (usize, usize, u64), party: &str) -> Result<Rows> {
    let broken = |what: &str| Fault::new(Code::PeerProtocol, what.to_owned()).party(party.to_owned());
    let mut sealed = Zeroizing::new(sealed);
    let plain = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::from(aad), &mut sealed)
        .map_err(|_| broken("a sealed input that does not open"))?;
    let (head, body) = plain.split_at_checked(INPUT_HEAD as usize).ok_or_else(|| broken("a short input"))?;
    let wide = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let narrow = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let rows = wide(0);
    let announced = enclave::input_bytes(rows, columns as u64, codes as u64);
    let fits = (1..=most).contains(&rows) && narrow(8) as usize == columns && narrow(12) as usize == codes;
    if !fits || announced != Some(plain.len() as u64 + TAG) {
        return Err(broken("an input of another shape than the contract's"));
    }
    let rows = usize::try_from(rows).map_err(|_| broken("too many rows"))?;
    let (digests, rest) = body.split_at(rows * DIGEST as usize);
    let (numeric, labels) = rest.split_at(rows * columns * 8);
    // with room from the start: a vector that grows leaves copies of rows behind
    let mut opened = Rows { digests: Vec::with_capacity(rows), numeric: Vec::with_capacity(rows * columns), columns, codes: Vec::new() };
    opened.digests.extend(digests.chunks_exact(DIGEST as usize).filter_map(|d| <[u8; DIGEST as usize]>::try_from(d).ok()));
    opened.numeric.extend(numeric.chunks_exact(8).filter_map(|v| v.try_into().ok()).map(f64::from_le_bytes));
    for column in labels.chunks_exact(rows * 4) {
        let mut codes = Vec::with_capacity(rows);
        codes.extend(column.chunks_exact(4).filter_map(|v| v.try_into().ok()).map(u32::from_le_bytes));
        opened.codes.push(codes);
    }
    Ok(opened)
}

/// The joint statistics of the matched rows, by the module; groups by running it on the rows of each.
fn statistics(contract: &Contract, module: &Module, rows: &[Rows]) -> Result<Statistics> {
    let [left, right] = rows else { return Err(Fault::new(Code::Bug, "two inputs")) };
    let pairs = matched(left, right)?;
    let least = contract.limits.min_rows.max(contract.limits.min_cell);
    if (pairs.len() as u64) < least {
        // not how many: whoever brought few rows knows them
        return Err(Fault::new(Code::TooFewMatched, format!("fewer than {least} rows matched")));
    }
    let terms = &plan::joint_terms(contract)?.statistics;
    let names =
        [&terms.left, &terms.right].into_iter().flat_map(|side| side.columns.iter().map(move |c| (side.party.to_string(), c.clone())));
    let names: Vec<(String, String)> = names.collect();
    let whole = describe(module, left, right, &pairs)?;
    let some = |value: f64| Some(value).filter(|value| value.is_finite());
    let columns = names
        .iter()
        .enumerate()
        .map(|(i, (party, name))| ColumnSummary {
            name: name.clone(),
            party: party.clone(),
            mean: whole.as_ref().and_then(|w| w.mean.get(i).copied().and_then(some)),
            sd: whole.as_ref().and_then(|w| w.variance.get(i).copied().and_then(some)).map(f64::sqrt),
        })
        .collect();
    let correlation = (0..names.len())
        .map(|i| (0..names.len()).map(|j| whole.as_ref().and_then(|w| w.correlation.get(j)?.get(i).copied()).and_then(some)).collect())
        .collect();
    let mut groups = Vec::new();
    if let Some(grouping) = contract.grouping() {
        let codes = if grouping.side == Side::Left { left.codes.last() } else { right.codes.last() };
        let codes = codes.ok_or_else(|| Fault::new(Code::Bug, "no categories"))?;
        let is_left = grouping.side == Side::Left;
        for (code, label) in (0_u32..).zip(&grouping.categories) {
            let of = |pair: &&(usize, usize)| codes.get(if is_left { pair.0 } else { pair.1 }) == Some(&code);
            let own: Vec<(usize, usize)> = pairs.iter().filter(of).copied().collect();
            // the reviewer refuses such a result; what it rests on never leaves the environment
            let enough = own.len() as u64 >= contract.limits.min_cell;
            let inside = if enough { describe(module, left, right, &own)? } else { None };
            let means = (0..names.len()).map(|i| inside.as_ref().and_then(|w| w.mean.get(i).copied()).and_then(some)).collect();
            groups.push(GroupSummary { label: label.clone(), count: own.len() as u64, means });
        }
    }
    Ok(Statistics { count: pairs.len() as u64, columns, correlation, groups })
}

/// Positions of rows with equal digests, in the order of the left side. A digest comes once on each side: one that was repeated would
/// make any number of rows of one, and their mean that row's value.
fn matched(left: &Rows, right: &Rows) -> Result<Vec<(usize, usize)>> {
    let mut seen = HashSet::with_capacity(left.digests.len());
    if !left.digests.iter().all(|digest| seen.insert(*digest)) {
        return Err(Fault::new(Code::KeyDuplicate, "a key comes twice in one input"));
    }
    let mut at = HashMap::with_capacity(right.digests.len());
    for (position, digest) in right.digests.iter().enumerate() {
        if at.insert(*digest, position).is_some() {
            return Err(Fault::new(Code::KeyDuplicate, "a key comes twice in one input"));
        }
    }
    Ok(left.digests.iter().enumerate().filter_map(|(i, digest)| at.get(digest).map(|j| (i, *j))).collect())
}

struct Described {
    mean: Vec<f64>,
    variance: Vec<f64>,
    correlation: Vec<Vec<f64>>,
}

/// The module over some rows; fewer than two say nothing.
fn describe(module: &Module, left: &Rows, right: &Rows, pairs: &[(usize, usize)]) -> Result<Option<Described>> {
    if pairs.len() < 2 {
        return Ok(None);
    }
    let side = |rows: &Rows, pick: fn(&(usize, usize)) -> usize, letter: &str| -> Result<RecordBatch> {
        let columns = (0..rows.columns).map(|c| {
            let values = pairs.iter().map(|pair| rows.numeric.get(pick(pair) * rows.columns + c).copied().unwrap_or(f64::NAN));
            // names do not enter the module: two parties may have one column of the same name
            (format!("{letter}{c}"), Arc::new(Float64Array::from_iter_values(values)) as ArrayRef)
        });
        RecordBatch::try_from_iter(columns).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    };
    let tables = [side(left, |p| p.0, "l")?, side(right, |p| p.1, "r")?];
    let limits = Limits { fuel: enclave::FUEL, memory_bytes: enclave::MEMORY, wall: enclave::WALL, ..Limits::default() };
    let table = Runner::run(module, &tables, &[], &limits)?.table;
    let shape = || Fault::new(Code::WasmOutput, "not the table of the joint statistics question");
    let floats = |name: &str| -> Result<Vec<f64>> {
        let column = table.column_by_name(name).ok_or_else(shape)?;
        Ok(column.as_any().downcast_ref::<Float64Array>().ok_or_else(shape)?.values().to_vec())
    };
    let count = table.column_by_name("count").and_then(|c| c.as_any().downcast_ref::<Int64Array>()).ok_or_else(shape)?;
    let width = left.columns + right.columns;
    if table.num_rows() != width || count.values().iter().any(|n| usize::try_from(*n) != Ok(pairs.len())) {
        return Err(shape());
    }
    let letters = (0..left.columns).map(|c| format!("r.l{c}")).chain((0..right.columns).map(|c| format!("r.r{c}")));
    let correlation = letters.map(|name| floats(&name)).collect::<Result<_>>()?;
    Ok(Some(Described { mean: floats("mean")?, variance: floats("variance")?, correlation }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(digests: &[u8]) -> Rows {
        let digests = digests.iter().map(|byte| [*byte; DIGEST as usize]).collect();
        Rows { digests, numeric: Vec::new(), columns: 0, codes: Vec::new() }
    }

    #[test]
    fn a_repeated_key_on_either_side_ends_the_run() {
        assert_eq!(matched(&rows(&[1, 2, 3]), &rows(&[3, 4, 1])).unwrap(), [(0, 2), (2, 0)]);
        for (left, right) in [(&[1, 1, 2][..], &[1, 2][..]), (&[1, 2], &[1, 2, 2])] {
            assert_eq!(matched(&rows(left), &rows(right)).unwrap_err().code, Code::KeyDuplicate);
        }
    }
}
