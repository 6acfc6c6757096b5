//! What each district spends in three shops together: no shop learns the sales or the customers' districts of another.
//!
//! `cargo run --release -p yu-examples --example group_by_revenue`

use std::error::Error;

use ndarray::{ArrayView1, Ix1};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use yu_mpc::Result;
use yu_mpc::engine::Engine;
use yu_mpc::rep3::Context;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table::{Grouping, Key, group_by};

type Column<E> = Secret<E, Int, Ix1>;

/// The same program on every engine: district, customers, revenue.
fn revenue<E: Engine>(engine: &mut E, district: &Column<E>, sales: &Column<E>) -> Result<Vec<[u64; 3]>> {
    let (keys, sums) = ([Key::of(district)], [sales.words()]);
    let groups = group_by(engine, &Grouping::by(&keys).sums(&sums))?;
    // these results, and nothing else, are told to everybody
    let [districts, revenues] = [&groups.keys, &groups.sums].map(|columns| columns.iter());
    let opened = engine.open(&districts.chain([&groups.counts]).chain(revenues).collect::<Vec<_>>())?;
    let row = |at: usize| [0, 1, 2].map(|column| opened[column][at]);
    Ok((0..district.len()).map(row).filter(|[_, customers, _]| *customers > 0).collect())
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    const NAMES: [&str; 3] = ["north", "south", "west"];
    // district and sale of each customer, shop by shop
    let shops: [&[(i64, i64)]; 3] = [&[(310, 25), (415, 90), (310, 5)], &[(415, 10), (200, 7)], &[(310, 70), (200, 1), (415, 1)]];
    let mut mesh = yu_wire::memory::mesh(&NAMES);
    let mut channel = |from: usize, to: usize| mesh[from][to].take().ok_or("a channel is taken once");
    let mut parties = Vec::new();
    for index in 0..3 {
        let (prev, next) = (channel(index, (index + 2) % 3)?, channel(index, (index + 1) % 3)?);
        parties.push(std::thread::spawn(move || -> Result<Vec<[u64; 3]>> {
            let mut engine = Context::new(index, b"example: revenue of districts...", prev, next, &mut UnwrapErr(SysRng))?;
            let mut columns = [Vec::new(), Vec::new()];
            for (owner, rows) in shops.iter().enumerate() {
                let own = [rows.iter().map(|row| row.0).collect(), rows.iter().map(|row| row.1).collect::<Vec<_>>()];
                for (column, own) in columns.iter_mut().zip(&own) {
                    let values = (owner == index).then_some(ArrayView1::from(own));
                    column.push(Column::input(&mut engine, owner, values, Ix1(rows.len()))?);
                }
            }
            let [district, sales] = columns.map(|parts| Column::stack(&parts.iter().collect::<Vec<_>>()));
            revenue(&mut engine, &district?, &sales?)
        }));
    }
    for party in parties {
        let table = party.join().map_err(|_| "a party stopped")??;
        assert_eq!(table, [[200, 2, 8], [310, 3, 100], [415, 3, 101]]);
        println!("district, customers, revenue: {table:?}");
    }
    Ok(())
}
