//! One runnable story per file; here is only what all of them need.

pub mod training;

use std::error::Error;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use yu_mpc::rep3::Context;

/// Runs a program of three parties, each on a thread of its own over channels in memory, and returns what each one ends with.
///
/// # Errors
/// The first party's that fails.
pub fn three_parties<R: Send>(
    names: [&str; 3],
    session: &[u8; 32],
    party: impl Fn(&mut Context, usize) -> yu_mpc::Result<R> + Sync,
) -> Result<[R; 3], Box<dyn Error>> {
    let mut mesh = yu_wire::memory::mesh(&names);
    let results = std::thread::scope(|scope| {
        let party = &party;
        let threads: Vec<_> = (0..3)
            .filter_map(|i| Some((i, mesh[i][(i + 2) % 3].take()?, mesh[i][(i + 1) % 3].take()?)))
            .map(|(i, prev, next)| scope.spawn(move || party(&mut Context::new(i, session, prev, next, &mut UnwrapErr(SysRng))?, i)))
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a party's thread stopped")).collect::<Vec<_>>()
    });
    let results = results.into_iter().map(|result| Ok(result??)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    results.try_into().map_err(|_| "three results expected".into())
}
