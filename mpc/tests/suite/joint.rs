//! Joint statistics over a join that nobody sees: against a computation that knows everything.

use std::collections::HashMap;

use ndarray::Array2;
use yu_mpc::joint::{self, JointData, JointPlan, JointStep};
use yu_mpc::rep3::{Context, SealedShare, reconstruct};
use yu_mpc::stats::{Grouping, Owner, Role, Side, Statistics, StatsPlan};
use yu_mpc::{Error, Result};
use yu_wire::channel::{Channel, Expect};
use yu_wire::seal::SealKey;
use zeroize::Zeroizing;

use super::world::{NAMES, ROLES, SESSION, on_threads, ring, rng};

struct Table {
    keys: Vec<String>,
    numeric: Vec<[f64; 2]>,
    groups: Option<Vec<u32>>,
}

impl Table {
    fn data(&self) -> JointData {
        JointData {
            keys: self.keys.iter().map(|key| Zeroizing::new(key.clone().into_bytes())).collect(),
            numeric: Array2::from_shape_fn((self.keys.len(), 2), |(row, column)| self.numeric[row][column]),
            groups: self.groups.clone(),
        }
    }

    fn exponents(&self) -> Vec<i32> {
        (0..2).map(|at| joint::exponent("c", &self.numeric.iter().map(|row| row[at]).collect::<Vec<_>>()).unwrap()).collect()
    }
}

fn tables() -> [Table; 2] {
    let value = |row: usize, factor: f64| ((row * 7919 + 13) % 1009) as f64 * factor;
    let left = Table {
        keys: (0..60).map(|row| format!("resident {row}")).collect(),
        numeric: (0..60).map(|row| [value(row, 1.5) - 700.0, value(row * row, 1e-6)]).collect(),
        groups: Some((0..60).map(|row| u32::from(row % 3 == 0)).collect()),
    };
    let right = Table {
        keys: (25..80).rev().map(|row| format!("resident {row}")).collect(),
        numeric: (25..80).rev().map(|row| [value(row + 5, 1e7) + 1e9, value(row * 3, 0.01)]).collect(),
        groups: None,
    };
    [left, right]
}

/// More rows are announced than are there.
fn plan(tables: &[Table; 2]) -> JointPlan {
    let side = |party: &str, columns: [&str; 2]| Side { party: party.into(), columns: columns.map(String::from).to_vec() };
    JointPlan {
        statistics: StatsPlan {
            left: side(NAMES[0], ["cost", "rate"]),
            right: side(NAMES[1], ["income", "loans"]),
            helper: NAMES[2].into(),
            grouping: Some(Grouping { side: Owner::Left, column: "chronic".into(), categories: vec!["no".into(), "yes".into()] }),
            min_cell: 3,
        },
        rows: [64, 56],
        exponents: [tables[0].exponents(), tables[1].exponents()],
    }
}

fn party(ctx: &mut Context, plan: &JointPlan, local: Option<joint::Local>, to: &SealKey) -> Result<SealedShare> {
    let index = ctx.index();
    let mine = |role: Role| local.as_ref().filter(|_| role.index() == index);
    let output = joint::run(ctx, plan, [mine(Role::Left), mine(Role::Right)])?;
    ctx.seal_words(output.words(), &to.public(), b"result", b"job", &mut rng(index as u64))
}

/// Runs the job; what the recipient reads, and each party's meter against the dry run.
fn job(plan: &JointPlan, tables: &[Table; 2]) -> Result<Statistics> {
    let reviewer = SealKey::generate(&mut rng(9));
    let cost = joint::cost::<Context>(plan)?;
    let shares = on_threads(ring(), |index, (mut prev, mut next)| {
        let mut random = rng(100 + index as u64);
        let local = tables.get(index).map(|table| {
            let channel = if index == 0 { &mut next } else { &mut prev };
            let key = joint::agree_on_key(channel, ROLES[index], &SESSION, &mut random).unwrap();
            let owner = [Owner::Left, Owner::Right][index];
            joint::local(plan, owner, &table.data(), &key, &mut random).unwrap()
        });
        let mut ctx = Context::new(index, &SESSION, prev, next, &mut random).unwrap();
        let share = party(&mut ctx, plan, local, &reviewer).unwrap();
        let (expected, totals) = (cost.party(NAMES[index]).unwrap(), ctx.totals());
        assert_eq!(
            (totals.bytes_sent, totals.bytes_received, totals.rounds),
            (expected.bytes_sent, expected.bytes_received, expected.rounds),
            "party {index}"
        );
        share
    });
    let shares = shares.try_into().unwrap_or_else(|_| unreachable!());
    let values = reconstruct(&reviewer, NAMES, &shares, b"result", b"job")?;
    joint::assemble(plan, &values)
}

#[test]
fn the_result_is_that_of_the_matched_rows() {
    let tables = tables();
    let told = job(&plan(&tables), &tables).unwrap();
    let places: HashMap<&String, usize> = tables[1].keys.iter().enumerate().map(|(row, key)| (key, row)).collect();
    let rows: Vec<([f64; 4], u32)> = tables[0]
        .keys
        .iter()
        .enumerate()
        .filter_map(|(row, key)| {
            let [a, b] = tables[0].numeric[row];
            let [c, d] = tables[1].numeric[*places.get(key)?];
            Some(([a, b, c, d], tables[0].groups.as_ref().unwrap()[row]))
        })
        .collect();
    let n = rows.len() as f64;
    assert_eq!(told.count, 35);
    let mean = |at: usize| rows.iter().map(|row| row.0[at]).sum::<f64>() / n;
    let covariance = |i: usize, j: usize| rows.iter().map(|row| (row.0[i] - mean(i)) * (row.0[j] - mean(j))).sum::<f64>() / (n - 1.0);
    let close = |got: Option<f64>, expected: f64| {
        let got = got.unwrap();
        assert!((got - expected).abs() <= 1e-8 * expected.abs().max(1e-9), "{got} instead of {expected}");
    };
    for i in 0..4 {
        close(told.columns[i].mean, mean(i));
        close(told.columns[i].sd, covariance(i, i).sqrt());
        for j in 0..4 {
            let expected = covariance(i, j) / (covariance(i, i) * covariance(j, j)).sqrt();
            assert!((told.correlation[i][j].unwrap() - expected).abs() < 1e-8);
            assert!(i != j || told.correlation[i][j] == Some(1.0));
        }
    }
    for (group, summary) in told.groups.iter().enumerate() {
        let members: Vec<_> = rows.iter().filter(|row| row.1 as usize == group).collect();
        assert_eq!(summary.count, members.len() as u64);
        for i in 0..4 {
            close(summary.means[i], members.iter().map(|row| row.0[i]).sum::<f64>() / members.len() as f64);
        }
    }
}

#[test]
fn nothing_in_common_is_a_result_too() {
    let mut tables = tables();
    tables[1].keys.iter_mut().for_each(|key| key.insert(0, 'x'));
    let told = job(&plan(&tables), &tables).unwrap();
    assert_eq!(told.count, 0);
    assert!(told.columns.iter().all(|column| column.mean.is_none() && column.sd.is_none()));
    assert!(told.correlation.iter().flatten().all(Option::is_none));
}

#[test]
fn bad_input_is_refused_before_the_first_message() {
    let tables = tables();
    let good = plan(&tables);
    let try_local =
        |plan: &JointPlan, data: &JointData| joint::local(plan, Owner::Left, data, &[1; 32], &mut rng(1)).map(drop).unwrap_err();
    let mut twice = tables[0].data();
    twice.keys[1] = twice.keys[0].clone();
    assert!(try_local(&good, &twice).to_string().contains("repeat"));
    let mut large = tables[0].data();
    large.numeric[[3, 0]] = 1e30;
    assert!(matches!(try_local(&good, &large), Error::Range { what, .. } if what.contains("cost")));
    let mut undefined = tables[0].data();
    undefined.numeric[[3, 1]] = f64::NAN;
    assert!(matches!(try_local(&good, &undefined), Error::Range { .. }));
    let mut few = good.clone();
    few.rows[0] = 10;
    let told = try_local(&few, &tables[0].data()).to_string();
    assert!(told.contains("announced") && !told.contains("60"), "{told}");
    // a magnitude that would turn a column into an indicator of its largest value, and a table that is padding for the most part
    let mut blunt = good.clone();
    blunt.exponents[0][0] += 39;
    assert!(try_local(&blunt, &tables[0].data()).to_string().contains("magnitude"));
    let mut padded = good.clone();
    padded.rows[0] = 1000;
    assert!(try_local(&padded, &tables[0].data()).to_string().contains("half"));
    let mut without = tables[0].data();
    without.groups = None;
    assert!(matches!(try_local(&good, &without), Error::Caller(_)));
    let mut wrong = tables[0].data();
    wrong.groups.as_mut().unwrap()[0] = 9;
    assert!(matches!(try_local(&good, &wrong), Error::Caller(_)));
    let changes: [fn(&mut JointPlan); 6] = [
        |plan| plan.rows[1] = 0,
        |plan| plan.rows = [1 << 20, 1 << 31],
        |plan| plan.exponents[0].truncate(1),
        |plan| plan.exponents[1][0] = 5000,
        // more of them cost gigabytes to price
        |plan| {
            plan.statistics.left.columns = (0..255).map(|at| format!("c{at}")).collect();
            plan.exponents[0] = vec![0; 255];
        },
        |plan| plan.statistics.grouping.as_mut().unwrap().categories = (0..257).map(|at| format!("g{at}")).collect(),
    ];
    for change in changes {
        let mut plan = good.clone();
        change(&mut plan);
        assert!(plan.check().is_err());
        assert!(joint::cost::<Context>(&plan).is_err());
    }
}

#[test]
fn exponents_are_the_least() {
    let cases = [(0.0, 0), (1.0, 1), (-0.99, 0), (-1023.9, 10), (1024.0, 11), (1e-308, -1000), (f64::MIN_POSITIVE, -1000), (1e300, 997)];
    for (value, expected) in cases {
        assert_eq!(joint::exponent("c", &[0.0, value]).unwrap(), expected, "{value}");
    }
    for value in [f64::NAN, f64::INFINITY, f64::MAX] {
        assert!(joint::exponent("c", &[value]).is_err());
    }
}

#[test]
fn the_key_is_the_same_on_both_sides_and_bad_parts_name_the_peer() {
    let agree = |role: Role, mut channel: Channel, seed: u64| joint::agree_on_key(&mut channel, role, &SESSION, &mut rng(seed));
    let (left, right) = yu_wire::memory::pair(NAMES[0], NAMES[1]);
    let keys = std::thread::scope(|scope| {
        let other = scope.spawn(|| agree(Role::Right, right, 2).unwrap());
        [agree(Role::Left, left, 1).unwrap(), other.join().unwrap()]
    });
    assert!(keys[0] == keys[1] && *keys[0] != [0; 32]);
    // the neutral element, and bytes that are none
    for part in [[0; 32], [0xff; 32]] {
        let (left, mut right) = yu_wire::memory::pair(NAMES[0], NAMES[1]);
        right.send(JointStep::Key, part.to_vec().into()).unwrap();
        assert!(matches!(agree(Role::Left, left, 1).unwrap_err(), Error::Peer { culprit, .. } if culprit == NAMES[1]));
    }
    let (left, mut right) = yu_wire::memory::pair(NAMES[0], NAMES[1]);
    let echo = std::thread::spawn(move || {
        let part = right.recv(JointStep::Key, Expect::Exactly(32)).unwrap();
        right.send(JointStep::Key, part).unwrap();
    });
    assert!(agree(Role::Left, left, 1).unwrap_err().to_string().contains("came back"));
    echo.join().unwrap();
}
