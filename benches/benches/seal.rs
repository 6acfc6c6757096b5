//! Sealing to one recipient (HPKE): what an output costs each party and the reviewer.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench that cannot run may stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yu_benches::support::parties::seeded;
use yu_benches::support::sizes::MESSAGES;
use yu_wire::seal::{SealKey, seal};

const INFO: &[u8] = b"yu-benches";

fn sealing(c: &mut Criterion) {
    let mut rng = seeded(0);
    let key = SealKey::generate(&mut rng);
    let public = key.public();
    let mut group = c.benchmark_group("seal");
    for bytes in MESSAGES {
        let plain = vec![7; bytes];
        let sealed = seal(&public, INFO, b"", &plain, &mut rng).unwrap();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("seal", bytes), |b| {
            b.iter(|| seal(&public, INFO, b"", black_box(&plain), &mut rng).unwrap());
        });
        group.bench_function(BenchmarkId::new("open", bytes), |b| b.iter(|| key.open(INFO, b"", black_box(&sealed)).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, sealing);
criterion_main!(benches);
