//! Two organisations find the residents they have in common, without a node: one thread per party, channels in memory.
//!
//! `cargo run --release -p yu-examples --example psi`

use std::collections::HashSet;
use std::error::Error;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use yu_mpc::cost::Counts;
use yu_mpc::psi::{self, Config, Limits};
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;

type Outcome = Result<(Vec<u64>, Totals), yu_mpc::Error>;

/// One side: nothing but its own keys and a channel to the other.
fn party(name: &str, mut channel: Channel, keys: &[String]) -> Outcome {
    let config = Config {
        party: name.into(),
        // both sides derive it from what they signed; here it is a constant
        session: *b"example: residents of both sides",
        // a set of a few rows would ask about single persons
        limits: Limits { min_rows: 100, max_ratio: 100 },
        expected_peer_rows: None,
    };
    let matched = psi::run(&mut channel, config, keys, &mut UnwrapErr(SysRng))?;
    Ok((matched.rows().to_vec(), channel.meter().totals()))
}

fn main() -> Result<(), Box<dyn Error>> {
    // 2 000 insured persons, 1 500 customers, 700 of them are both
    let health: Vec<String> = (0..2_000).map(|number| format!("person-{number:06}")).collect();
    let bank: Vec<String> = (1_300..2_800).rev().map(|number| format!("person-{number:06}")).collect();

    let (to_bank, to_health) = yu_wire::memory::pair("health", "bank");
    let (left, right) = std::thread::scope(|scope| {
        let other = scope.spawn(|| party("bank", to_health, &bank));
        (party("health", to_bank, &health), other.join())
    });
    let (left_rows, left_totals) = left?;
    let (right_rows, right_totals) = right.map_err(|_| "the bank's thread stopped")??;

    println!("health: {} rows, bank: {} rows, common: {}", health.len(), bank.len(), left_rows.len());
    println!("health sent {} bytes, bank sent {}, {} rounds", left_totals.bytes_sent, right_totals.bytes_sent, left_totals.rounds);

    // row k of one side and row k of the other are the same person
    for (l, r) in left_rows.iter().zip(&right_rows) {
        if health[*l as usize] != bank[*r as usize] {
            return Err("rows are not aligned".into());
        }
    }
    // the same as in the clear
    let known: HashSet<&String> = bank.iter().collect();
    let expected = health.iter().filter(|key| known.contains(key)).count();
    if (left_rows.len(), right_rows.len()) != (expected, expected) {
        return Err(format!("{} matches, the clear computation finds {expected}", left_rows.len()).into());
    }
    // and at the price that the formula said before the run
    let counts = Counts { n_left: health.len() as u64, n_right: bank.len() as u64, matched: 0 };
    let cost = psi::formula("health", "bank").evaluate(&counts)?;
    let quoted = cost.party("health").ok_or("health is not in the formula")?;
    if quoted.bytes_sent != left_totals.bytes_sent || cost.rounds != left_totals.rounds {
        return Err("the run cost something else than quoted".into());
    }
    println!("equal to the clear computation and to the quoted cost");
    Ok(())
}
