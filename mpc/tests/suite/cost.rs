//! Meters equal formulas: bytes, frames and rounds of each party.

use yu_mpc::cost::{Cost, Counts, Formula};
use yu_mpc::psi;
use yu_mpc::stats::{self, Grouping, LocalData, Owner, Side, StatsPlan};
use yu_wire::meter::Totals;

use crate::world::{NAMES, ROLES, Table, align, job, names, three};

fn check(cost: &Cost, party: &str, totals: Totals) {
    let expected = cost.party(party).unwrap();
    assert_eq!(totals.bytes_sent, expected.bytes_sent, "{party} sent");
    assert_eq!(totals.bytes_received, expected.bytes_received, "{party} received");
    assert_eq!(totals.frames_sent, expected.frames_sent, "{party} frames sent");
    assert_eq!(totals.frames_received, expected.frames_received, "{party} frames received");
    assert_eq!(totals.rounds, expected.rounds, "{party} rounds");
}

/// The text of the formula says the same as its messages.
fn check_text(formula: &Formula, counts: &Counts, cost: &Cost) {
    for party in &cost.parties {
        let sent: yu_mpc::cost::Expr = formula.sent_by(&party.party).to_string().parse().unwrap();
        assert_eq!(sent.evaluate(counts).unwrap(), party.bytes_sent);
        assert_eq!(formula.received_by(&party.party).evaluate(counts).unwrap(), party.bytes_received);
    }
}

#[test]
fn alignment() {
    // 8192 points fill a frame
    for (n_left, n_right) in [(0, 0), (0, 3), (1, 1), (5, 300), (8192, 2), (8193, 1), (3, 16_385)] {
        let [(_, left), (_, right)] = align(&names("k", 0..n_left), &names("k", 0..n_right));
        let counts = Counts { n_left: n_left as u64, n_right: n_right as u64, matched: 0 };
        let formula = psi::formula(NAMES[0], NAMES[1]);
        let cost = formula.evaluate(&counts).unwrap();
        check(&cost, NAMES[0], left);
        check(&cost, NAMES[1], right);
        assert_eq!(cost.rounds, 3);
        check_text(&formula, &counts, &cost);
    }
}

fn plan(d_l: usize, d_r: usize, grouping: Option<(Owner, usize)>) -> StatsPlan {
    StatsPlan {
        left: Side { party: NAMES[0].into(), columns: names("l", 0..d_l) },
        right: Side { party: NAMES[1].into(), columns: names("r", 0..d_r) },
        helper: NAMES[2].into(),
        grouping: grouping.map(|(side, groups)| Grouping { side, column: "g".into(), categories: names("c", 0..groups) }),
        min_cell: 0,
    }
}

#[test]
fn statistics() {
    for (n, plan) in [
        (1, plan(1, 1, None)),
        (7, plan(2, 3, Some((Owner::Left, 2)))),
        (7, plan(2, 3, Some((Owner::Right, 3)))),
        (5, plan(0, 2, None)),
        (5, plan(0, 2, Some((Owner::Left, 2)))),
        (5, plan(2, 0, Some((Owner::Left, 2)))),
        // the input of 8 columns and 2 groups fills its first frame at about 3270 rows
        (3260, plan(8, 1, Some((Owner::Left, 2)))),
        (3280, plan(8, 1, Some((Owner::Left, 2)))),
        // results and packed bits of more than a frame
        (2, plan(190, 190, None)),
        (2, plan(300, 300, Some((Owner::Right, 150)))),
    ] {
        let totals = three(|ctx| {
            let index = ctx.index();
            let owner = ROLES[index].owner();
            let data = owner.map(|owner| LocalData {
                numeric: ndarray::Array2::from_shape_fn((n, plan.side(owner).columns.len()), |(i, j)| (i * (j + 1)) as f64),
                groups: plan.grouping.as_ref().filter(|grouping| grouping.side == owner).map(|_| vec![1; n]),
            });
            let n = stats::agree(ctx, &plan, ROLES[index], data.as_ref().map(|_| n as u64)).unwrap();
            stats::run(ctx, &plan, ROLES[index], data.as_ref(), n).map(drop).unwrap();
            ctx.totals()
        });
        let counts = Counts { n_left: 0, n_right: 0, matched: n as u64 };
        let formula = stats::formula(&plan).unwrap();
        let cost = formula.evaluate(&counts).unwrap();
        for (name, totals) in NAMES.into_iter().zip(totals) {
            check(&cost, name, totals);
        }
        check_text(&formula, &counts, &cost);
    }
}

#[test]
fn whole_job() {
    for (rows, overlap) in [(40, 25), (9000, 8500)] {
        let table = |start: usize, width: usize, groups: Option<Vec<u32>>| Table {
            keys: names("k", start..start + rows),
            numeric: (0..rows).map(|row| (0..width).map(|column| ((row * 31 + column) % 97) as f64).collect()).collect(),
            groups,
        };
        let plan = plan(4, 2, Some((Owner::Right, 2)));
        let (left, right) = (table(0, 4, None), table(rows - overlap, 2, Some((0..rows as u32).map(|row| row % 2).collect())));
        let job = job(&plan, &left, &right);
        assert_eq!(job.matched, overlap as u64);
        let counts = Counts { n_left: rows as u64, n_right: rows as u64, matched: job.matched };
        let cost = stats::cost(&plan, &counts).unwrap();
        for (name, totals) in NAMES.into_iter().zip(job.totals) {
            check(&cost, name, totals);
        }
        check_text(&stats::job_formula(&plan).unwrap(), &counts, &cost);
        let (least, most) = stats::job_formula(&plan).unwrap().bounds(counts.n_left, counts.n_right, 10).unwrap();
        assert!(least.bytes <= cost.bytes && cost.bytes <= most.bytes);
        assert_eq!((least.rounds, most.rounds), (cost.rounds, cost.rounds));
    }
}

/// The numbers in the documentation.
#[test]
fn documented_rounds() {
    let rounds = |plan: &StatsPlan| stats::formula(plan).unwrap().evaluate(&Counts::default()).unwrap().rounds;
    assert_eq!(rounds(&plan(2, 2, None)), 5);
    assert_eq!(rounds(&plan(2, 2, Some((Owner::Left, 2)))), 6);
    let job = stats::cost(&plan(2, 2, Some((Owner::Left, 2))), &Counts { n_left: 9, n_right: 9, matched: 9 }).unwrap();
    assert_eq!(job.rounds, 9);
}
