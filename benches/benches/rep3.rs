//! Products on shares: three parties on three threads over memory, and one of them alone against recorded peers. Each
//! iteration includes set-up of the keys and the input of both operands.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench that cannot run may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Ix1, Ix2};
use yu_benches::support::parties::{Alone, three};
use yu_benches::support::sizes::{FRACTION, MATRIX, VECTOR};
use yu_mpc::Result;
use yu_mpc::fixed::Fixed;
use yu_mpc::rep3::{Context, Share};
use yu_mpc::ring::Ring64;

/// `x` of party 0 and `y` of party 1: small numbers, so that truncation is in its range.
fn operands(context: &mut Context, len: usize) -> Result<[Share<Ring64, Ix1>; 2]> {
    let own: Vec<u64> = if context.index() < 2 { (0..len as u64).map(|at| at & 0xffff).collect() } else { Vec::new() };
    let [x, y, _] = context.inputs([len, len, 0], &own)?;
    Ok([x, y])
}

fn mul(context: &mut Context) -> Result<usize> {
    let [x, y] = operands(context, VECTOR)?;
    Ok(context.mul(&x, &y)?.len())
}

fn mul_trunc(context: &mut Context) -> Result<usize> {
    let [x, y] = operands(context, VECTOR)?.map(Share::scaled::<FRACTION>);
    let z: Share<Fixed<FRACTION>, Ix1> = context.mul_trunc::<FRACTION, FRACTION, FRACTION, Ix1>(&x, &y)?;
    Ok(z.len())
}

fn matmul_trunc(context: &mut Context) -> Result<usize> {
    let [x, y] = operands(context, MATRIX * MATRIX)?.map(Share::scaled::<FRACTION>);
    let (x, y) = (x.reshape(Ix2(MATRIX, MATRIX))?, y.reshape(Ix2(MATRIX, MATRIX))?);
    let z = context.matmul_trunc::<FRACTION, FRACTION, FRACTION>(&x, &y)?;
    Ok(z.len())
}

fn bench(c: &mut Criterion, name: &str, elements: usize, work: fn(&mut Context) -> Result<usize>) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).throughput(Throughput::Elements(elements as u64));
    group.bench_function("three parties", |b| b.iter(|| black_box(three(work).unwrap())));
    let alone = Alone::record(0, work).unwrap();
    group.bench_function("party 0 alone", |b| b.iter(|| black_box(alone.play(work).unwrap())));
    group.finish();
}

fn rep3(c: &mut Criterion) {
    bench(c, &format!("rep3 mul {VECTOR}"), VECTOR, mul);
    bench(c, &format!("rep3 mul_trunc {VECTOR}"), VECTOR, mul_trunc);
    bench(c, &format!("rep3 matmul_trunc {MATRIX}x{MATRIX}"), MATRIX * MATRIX, matmul_trunc);
}

criterion_group!(benches, rep3);
criterion_main!(benches);
