//! Matrix product over Z_2^64, every kernel that this CPU has; elements are multiply-adds.
#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench that cannot run may stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use rand::Rng;
use yu_benches::support::parties::seeded;
use yu_benches::support::sizes::KERNEL;
use yu_mpc::gemm::{Kernel, multiply_add_with};

fn gemm(c: &mut Criterion) {
    let mut rng = seeded(0);
    // one thread: the kernels are compared, not the machine
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = c.benchmark_group("gemm");
    group.sample_size(10);
    for n in KERNEL {
        let mut random = || Array2::from_shape_simple_fn((n, n), || rng.next_u64());
        let (a, b) = (random(), random());
        group.throughput(Throughput::Elements((n * n * n) as u64));
        for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512, Kernel::Amx].into_iter().filter(|kernel| kernel.is_available()) {
            let mut product = Array2::zeros((n, n));
            group.bench_function(BenchmarkId::new(format!("{kernel:?}"), n), |bencher| {
                bencher.iter(|| pool.install(|| multiply_add_with(kernel, &mut product.view_mut(), a.view(), b.view()).unwrap()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, gemm);
criterion_main!(benches);
