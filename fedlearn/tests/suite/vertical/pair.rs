//! Two parties without a third: the trees of one place, sums that do not tell their rows, peers that do not keep to the protocol.

use std::thread;

use bytes::Bytes;
use yu_fedlearn::trees::{Binned, Boosting, Cuts, clear};
use yu_fedlearn::vertical::pair::{Follower, Lead, follow, lead};
use yu_wire::channel::Channel;
use yu_wire::step::{Step, Steps};

use super::world::{Table, auc, halves, rng, synthetic};

fn settings() -> Boosting {
    Boosting { trees: 4, depth: 3, rate: 0.3, min_rows: 10, ..Boosting::default() }
}

fn train(settings: &Boosting, sides: &[Binned; 2], labels: &[f64]) -> (Lead, Follower) {
    let (mut ours, mut theirs) = yu_wire::memory::pair("bank", "health");
    let [left, right] = sides;
    thread::scope(|scope| {
        let follower = scope.spawn(|| follow(&mut theirs, settings, left, &mut rng(1)).unwrap());
        let mut seen = 0;
        let leader = lead(&mut ours, settings, right, labels, &mut rng(2), |done| seen = done).unwrap();
        assert_eq!(seen, settings.trees);
        (leader, follower.join().unwrap())
    })
}

fn scores((leader, follower): &(Lead, Follower), sides: &[Binned; 2]) -> Vec<f64> {
    let (mut ours, mut theirs) = yu_wire::memory::pair("bank", "health");
    thread::scope(|scope| {
        scope.spawn(|| follower.tell(&mut theirs, &sides[0]).unwrap());
        leader.scores(&mut ours, &sides[1]).unwrap()
    })
}

#[test]
fn trees_as_good_as_in_one_place() {
    let (table, later) = (synthetic(900, 21), synthetic(500, 22));
    let cuts: Vec<Cuts> = table.columns.iter().map(|column| Cuts::quantiles(column, 8).unwrap()).collect();
    let binned =
        |table: &Table| -> [Binned; 2] { [0..2, 2..4].map(|part| Binned::new(&table.columns[part.clone()], &cuts[part]).unwrap()) };
    let (sides, next) = (binned(&table), binned(&later));
    let model = train(&settings(), &sides, &table.labels);
    let central = clear::fit(&settings(), &sides[0].beside(&sides[1]).unwrap(), &table.labels).unwrap();
    for (part, labels) in [(&sides, &table.labels), (&next, &later.labels)] {
        let (found, expected) =
            (auc(&scores(&model, part), labels), auc(&central.scores(&part[0].beside(&part[1]).unwrap()).unwrap(), labels));
        assert!((found - expected).abs() < 0.02 && found > 0.75, "{found} instead of {expected}");
    }
    // both parties' features were used, and each knows its own splits only
    let theirs = model.1.splits.iter().flatten().flatten().count();
    let places = || model.0.trees.iter().flat_map(|tree| &tree.places);
    assert_eq!(theirs, places().filter(|place| matches!(place, yu_fedlearn::vertical::pair::Place::Theirs)).count());
    assert!(theirs > 0 && places().any(|place| matches!(place, yu_fedlearn::vertical::pair::Place::Own(_))));
}

#[test]
fn what_would_leak_is_refused() {
    let table = synthetic(100, 23);
    let [_, right] = halves(&table, 8);
    let (mut ours, _theirs) = yu_wire::memory::pair("bank", "health");
    let few = Boosting { min_rows: 4, ..settings() };
    let error = lead(&mut ours, &few, &right, &table.labels, &mut rng(1), |_| {}).unwrap_err();
    assert!(error.to_string().contains("by subtraction"), "{error}");
}

#[derive(Clone, Copy)]
struct Raw(u16);

impl Steps for Raw {
    fn step(self) -> Step {
        Step::new(7, self.0)
    }

    fn name(self) -> &'static str {
        "raw"
    }
}

/// A follower that sends what does not fit is named.
#[test]
fn a_peer_that_breaks_the_protocol_is_named() {
    let table = synthetic(100, 24);
    let [left, right] = halves(&table, 4);
    let sums = |count: u32, bytes: usize| [&count.to_le_bytes()[..], &vec![0xff; bytes]].concat();
    // other settings; no points; fewer than announced; more than announced
    let cases: [(Option<Vec<u8>>, &str); 4] =
        [(None, "other settings"), (Some(sums(1, 128)), "sums"), (Some(sums(2, 128)), "sums"), (Some(sums(0, 3)), "sums")];
    for (body, part) in cases {
        let (mut ours, mut theirs) = yu_wire::memory::pair("bank", "health");
        let liar = |line: &mut Channel, body: Option<Vec<u8>>| {
            let hello = line.recv(Raw(1), yu_wire::channel::Expect::Exactly(64)).unwrap();
            let agreed = if body.is_some() { hello[32..].to_vec() } else { vec![1; 32] };
            line.send(Raw(1), Bytes::from(agreed)).unwrap();
            if let Some(body) = body {
                line.recv(Raw(2), yu_wire::channel::Expect::AtMost(1 << 20)).unwrap();
                line.send(Raw(3), Bytes::from(body)).unwrap();
            }
        };
        let error = thread::scope(|scope| {
            scope.spawn(|| liar(&mut theirs, body));
            lead(&mut ours, &settings(), &right, &table.labels, &mut rng(3), |_| {}).unwrap_err()
        });
        assert!(error.to_string().contains(part) && error.to_string().contains("health"), "{error}");
    }
    // a leader with a key that hides nothing
    let (mut ours, mut theirs) = yu_wire::memory::pair("bank", "health");
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            let hello = [vec![0; 32], vec![2; 32]].concat();
            ours.send(Raw(1), Bytes::from(hello)).unwrap();
            let _ = ours.recv(Raw(1), yu_wire::channel::Expect::Exactly(32));
        });
        follow(&mut theirs, &settings(), &left, &mut rng(4)).unwrap_err()
    });
    assert!(error.to_string().contains("bank"), "{error}");
}
