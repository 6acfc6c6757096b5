//! What the plan says of bytes holds for every party, whatever trees come out.

use std::sync::Arc;
use std::thread;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::trees::horizontal::{Aggregation, Coordinator, Party, Plan, coordinate, heard, take_part};
use yu_wire::memory::pair_with;
use yu_wire::meter::Meter;

use super::world::{World, rows, settings, small};
use crate::world::{key, ring};

/// Most bytes in flight.
const IN_FLIGHT: usize = 1 << 24;

/// Bytes that party 0 got, without the last word, and sent.
fn measured(world: &World) -> (u64, u64) {
    let plan = &world.plan;
    let meters: Vec<Arc<Meter>> = plan.parties.iter().map(|_| Meter::new()).collect();
    let ends = |party: usize| {
        let (ours, own) = ((plan.coordinator.as_str(), Meter::new()), (plan.parties[party].as_str(), Arc::clone(&meters[party])));
        pair_with(ours, own, 1, IN_FLIGHT)
    };
    let (lines, theirs): (Vec<_>, Vec<_>) = (0..plan.parties.len()).map(ends).unzip();
    let threads: Vec<_> = theirs
        .into_iter()
        .enumerate()
        .map(|(party, mut line)| {
            let (plan, rows): (Plan, _) = (plan.clone(), world.rows[party].clone());
            thread::spawn(move || {
                let (mut stored, signer, verifier) = (Vec::new(), key(party), ring(plan.parties.len()));
                let keep = &mut |state: &[u8]| {
                    stored = state.to_vec();
                    Ok(())
                };
                let with = Party { index: party as u32, rows, signer: &signer, verifier: &verifier, resume: None, keep, told: &mut |_| {} };
                let (_, bytes) = take_part(&plan, &mut line, with, &mut ChaCha20Rng::seed_from_u64(party as u64)).unwrap();
                // whoever ends after the last word needs no coordinator any more
                assert_eq!(heard(&plan, &stored).unwrap().unwrap().1, bytes);
                bytes
            })
        })
        .collect();
    let with = Coordinator {
        verifier: &ring(plan.parties.len()),
        resume: None,
        keep: &mut |_| Ok(()),
        arrived: &mut Vec::new,
        told: &mut |_| {},
        pause: &mut |_| {},
    };
    let done = coordinate(plan, lines, with).unwrap();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == done.bytes));
    let totals = meters[0].totals();
    (totals.bytes_received - done.bytes.len() as u64, totals.bytes_sent)
}

#[test]
fn no_party_sends_or_gets_more_than_the_plan_says() {
    for aggregation in [Aggregation::DangerClear, Aggregation::Secure { malicious: false }, Aggregation::Secure { malicious: true }] {
        let world = World::new((0..3).map(|party| rows(200, party)).collect(), settings(aggregation, small()));
        let bounds = world.plan.bytes().unwrap();
        let (down, up) = measured(&world);
        println!("{aggregation:?}: down {down} of {}, up {up} of {}", bounds.down, bounds.up);
        assert!(down <= bounds.down && up <= bounds.up, "{down} {up} {bounds:?}");
        // it is a bound to plan with: not off by an order of magnitude
        assert!(10 * down > bounds.down && 10 * up > bounds.up, "{down} {up} {bounds:?}");
    }
}

/// The last word is JSON: it has to fit what a party takes, for the settings that come by themselves as well.
#[test]
fn the_trained_trees_fit_the_last_word() {
    let boosting = yu_fedlearn::trees::Boosting { trees: 100, depth: 5, min_rows: 10, ..yu_fedlearn::trees::Boosting::default() };
    let mut agreed = settings(Aggregation::DangerClear, boosting);
    agreed.bins = 32;
    let world = World::new((0..3).map(|party| rows(2_000, party)).collect(), agreed);
    measured(&world);
}
