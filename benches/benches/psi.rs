//! Alignment: two parties on two threads over memory, and the hash to the group alone.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench that cannot run may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yu_benches::support::parties::{SESSION, seeded};
use yu_benches::support::sizes::PSI_KEYS;
use yu_mpc::psi::{Config, Limits, run};
use yu_wire::memory;

fn keys(start: usize) -> Vec<String> {
    (start..start + PSI_KEYS).map(|number| format!("K{number:017}")).collect()
}

fn config(party: &str) -> Config {
    Config { party: party.into(), session: SESSION, limits: Limits::NONE, expected_peer_rows: None }
}

fn psi(c: &mut Criterion) {
    let mut group = c.benchmark_group("psi");
    group.sample_size(10).throughput(Throughput::Elements(PSI_KEYS as u64));
    let (left, right) = (keys(0), keys(PSI_KEYS / 2));
    group.bench_function(format!("both parties, {PSI_KEYS} keys a side"), |b| {
        b.iter(|| {
            let (mut first, mut second) = memory::pair("left", "right");
            std::thread::scope(|scope| {
                let peer = scope.spawn(|| run(&mut second, config("right"), &right, &mut seeded(1)).unwrap().count());
                let matched = run(&mut first, config("left"), &left, &mut seeded(0)).unwrap();
                assert_eq!(matched.count(), peer.join().unwrap());
                black_box(matched.count())
            })
        });
    });
    group.finish();
}

criterion_group!(benches, psi);
criterion_main!(benches);
