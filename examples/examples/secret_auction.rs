//! An auction at the second price: who wins and what the winner pays becomes known, no bid does.
//!
//! `cargo run --release -p yu-examples --example secret_auction`

use std::error::Error;

use ndarray::{Array1, Ix1, array};
use yu_examples::three_parties;
use yu_mpc::Result;
use yu_mpc::engine::Engine;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;

type Bids<E> = Secret<E, Int, Ix1>;

/// The same program on every engine: the number of the greatest bid and the second greatest bid.
fn auction<E: Engine>(engine: &mut E, bids: &Bids<E>) -> Result<(usize, i64)> {
    let winner = bids.argmax_one_hot(engine, 0)?;
    let none = Bids::constant(engine, Array1::zeros(bids.len()).view())?;
    let others = winner.select(engine, &none, bids)?;
    let price = others.max_axis(engine, 0)?;
    // these two results, and nothing else, are told to everybody
    let winner = winner.open(engine)?.iter().position(|bit| *bit).unwrap_or_default();
    Ok((winner, price.open(engine)?.into_scalar()))
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    // each of three brokers has the bids of its own customers
    let bids = [array![410, 880, 230], array![905, 120], array![640, 731, 77, 899]];
    let results = three_parties(["north", "south", "west"], b"example: a secret auction, lot 7", |engine, index| {
        let mut all = Vec::new();
        for (owner, own) in bids.iter().enumerate() {
            all.push(Bids::input(engine, owner, (owner == index).then_some(own.view()), own.raw_dim())?);
        }
        auction(engine, &Secret::stack(&all.iter().collect::<Vec<_>>())?)
    })?;
    assert_eq!(results, [(3, 899); 3]);
    println!("customer {} wins and pays {}", results[0].0, results[0].1);
    Ok(())
}
