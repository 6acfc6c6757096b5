//! Correlations between a hospital's and a bank's columns that neither computes alone and neither sees: three parties on
//! threads, results sealed to a reviewer.
//!
//! `cargo run --release -p yu-examples --example joint_statistics`

use std::error::Error;

use ndarray::{Array2, Axis, concatenate};
use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use yu_mpc::rep3::{Context, SealedShare, reconstruct};
use yu_mpc::stats::{self, Grouping, Layout, LocalData, Owner, Role, Side, StatsPlan};
use yu_wire::channel::Channel;
use yu_wire::seal::{SealKey, SealPublic};

const NAMES: [&str; 3] = ["health", "bank", "platform"];
const ROLES: [Role; 3] = [Role::Left, Role::Right, Role::Helper];
const SESSION: [u8; 32] = *b"example: health and income, v1  ";

fn plan() -> StatsPlan {
    let side = |party: &str, columns: [&str; 2]| Side { party: party.into(), columns: columns.map(String::from).into() };
    StatsPlan {
        left: side(NAMES[0], ["visits", "cost"]),
        right: side(NAMES[1], ["income", "balance"]),
        helper: NAMES[2].into(),
        grouping: Some(Grouping { side: Owner::Left, column: "chronic".into(), categories: vec!["no".into(), "yes".into()] }),
        min_cell: 20,
    }
}

/// One party. `data` are its aligned rows (see the example `psi`); the helper has none.
fn party(
    index: usize,
    (prev, next): (Channel, Channel),
    data: Option<&LocalData>,
    reviewer: &SealPublic,
) -> Result<SealedShare, yu_mpc::Error> {
    let mut rng = UnwrapErr(SysRng);
    let (plan, role) = (plan(), ROLES[index]);
    let mut ctx = Context::new(index, &SESSION, prev, next, &mut rng)?;
    let rows = data.map(|data| data.numeric.nrows() as u64);
    let rows = stats::agree(&mut ctx, &plan, role, rows)?;
    let output = stats::run(&mut ctx, &plan, role, data, rows)?;
    output.seal(&ctx, reviewer, b"example", &SESSION, &mut rng)
}

/// Residents whose income falls with their costs, somewhat.
fn tables(rows: usize, rng: &mut impl CryptoRng) -> (LocalData, LocalData) {
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let (mut health, mut bank, mut chronic) = (Array2::zeros((rows, 2)), Array2::zeros((rows, 2)), Vec::new());
    for row in 0..rows {
        let need = uniform();
        chronic.push(u32::from(need > 0.7));
        health[[row, 0]] = (20.0 * need * uniform()).round();
        health[[row, 1]] = 8000.0 * need + 2000.0 * uniform();
        bank[[row, 0]] = 9000.0 - 3000.0 * need + 4000.0 * uniform();
        bank[[row, 1]] = 50_000.0 * uniform() * uniform();
    }
    (LocalData { numeric: health, groups: Some(chronic) }, LocalData { numeric: bank, groups: None })
}

fn correlation(x: &Array2<f64>, i: usize, j: usize) -> f64 {
    let centred = |column: usize| &x.column(column) - x.column(column).mean().unwrap_or_default();
    let (a, b) = (centred(i), centred(j));
    a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut rng = UnwrapErr(SysRng);
    let (health, bank) = tables(5_000, &mut rng);
    let reviewer = SealKey::generate(&mut rng);
    let public = reviewer.public();
    let mut mesh = yu_wire::memory::mesh(&NAMES);
    let shares = std::thread::scope(|scope| {
        let data = [Some(&health), Some(&bank), None];
        let threads: Vec<_> = (0..3)
            .filter_map(|i| Some((i, mesh[i][(i + 2) % 3].take()?, mesh[i][(i + 1) % 3].take()?, data[i])))
            .map(|(i, prev, next, data)| scope.spawn(move || party(i, (prev, next), data, &public)))
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a party's thread stopped")).collect::<Vec<_>>()
    });
    let shares = shares.into_iter().map(|share| Ok(share??)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let shares: [SealedShare; 3] = shares.try_into().map_err(|_| "three shares expected")?;

    // only here, at the reviewer, the three shares meet
    let values = reconstruct(&reviewer, NAMES, &shares, b"example", &SESSION)?;
    let result = stats::assemble(&Layout::of(&plan())?, &values)?;
    for column in &result.columns {
        println!(
            "{:>8} {:<8} mean {:>10.2} sd {:>9.2}",
            column.party,
            column.name,
            column.mean.unwrap_or(f64::NAN),
            column.sd.unwrap_or(f64::NAN)
        );
    }
    for group in &result.groups {
        println!("chronic = {:<3} {:>5} rows, mean income {:.2}", group.label, group.count, group.means[2].unwrap_or(f64::NAN));
    }
    let clear = concatenate(Axis(1), &[health.numeric.view(), bank.numeric.view()])?;
    let mut worst = 0.0f64;
    for i in 0..4 {
        for j in 0..4 {
            worst = worst.max((result.correlation[i][j].ok_or("undefined correlation")? - correlation(&clear, i, j)).abs());
        }
    }
    println!("correlation of cost and income {:.4}; largest difference to the clear computation {worst:.1e}", correlation(&clear, 1, 2));
    if worst < 1e-6 { Ok(()) } else { Err("the joint and the clear computation disagree".into()) }
}
