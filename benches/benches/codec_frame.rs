//! What every message passes: codec, frame header, and the channel itself over memory.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench that cannot run may stop")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yu_benches::support::sizes::MESSAGES;
use yu_wire::channel::Expect;
use yu_wire::codec;
use yu_wire::frame::{FrameHeader, FrameKind};
use yu_wire::memory;
use yu_wire::step::Step;

fn codecs(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec Vec<u64>");
    for bytes in MESSAGES {
        let values: Vec<u64> = (0..bytes as u64 / 8).collect();
        let encoded = codec::encode(&values);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("encode", bytes), |b| b.iter(|| codec::encode(black_box(&values))));
        group.bench_function(BenchmarkId::new("decode", bytes), |b| {
            b.iter(|| codec::decode::<Vec<u64>>(black_box(&encoded), 2 * bytes).unwrap());
        });
    }
    group.finish();
}

fn frames(c: &mut Criterion) {
    let header = FrameHeader { round: 1, ..FrameHeader::control(FrameKind::Data, 3, 7, 1 << 18) };
    let bytes = header.encode();
    let mut group = c.benchmark_group("frame header");
    group.bench_function("encode", |b| b.iter(|| black_box(&header).encode()));
    group.bench_function("decode and check", |b| b.iter(|| FrameHeader::decode(black_box(&bytes)).unwrap()));
    group.finish();
}

fn channels(c: &mut Criterion) {
    let mut group = c.benchmark_group("channel over memory");
    for bytes in MESSAGES {
        let payload = Bytes::from(vec![1; bytes]);
        let (mut a, mut b) = memory::pair("a", "b");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("send and receive", bytes), |bencher| {
            bencher.iter(|| {
                a.send(Step(1), payload.clone()).unwrap();
                black_box(b.recv(Step(1), Expect::Exactly(bytes)).unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, codecs, frames, channels);
criterion_main!(benches);
