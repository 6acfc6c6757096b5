//! Parties as threads of this process, over memory and a simulated link. Each has its own thread pool, whose CPU time is
//! the party's.

use rayon::ThreadPoolBuilder;
use yu_wire::channel::Channel;
use yu_wire::shape::{Link, shaped_mesh};

use crate::cli::Plan;
use crate::machine::{Machine, peak_memory, reset_peak_memory};
use crate::phase::{Clock, NAMES, Sample, Watch};
use crate::report::{PartyReport, Report};
use crate::work::{Input, Party};
use crate::{Result, node};

/// Runs all parties of `plan`.
///
/// # Errors
/// A party's.
pub fn run(plan: &Plan, link: Link) -> Result<Report> {
    let names = &NAMES[..plan.protocol.parties()];
    let machine = Machine::here();
    let inputs: Vec<_> = (0..names.len()).map(|index| Input::new(plan.protocol, plan.size, index)).collect();
    let mut parties: Vec<_> = names.iter().enumerate().map(|(index, name)| PartyReport::new(index, name, machine.clone())).collect();
    reset_peak_memory();
    for number in 0..plan.runs {
        let rows = shaped_mesh(names, link);
        let samples = std::thread::scope(|scope| {
            let threads: Vec<_> = rows
                .into_iter()
                .zip(&inputs)
                .enumerate()
                .map(|(index, (row, input))| scope.spawn(move || one(plan, index, number, input, row)))
                .collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| "a party panicked")?).collect::<Result<Vec<_>>>()
        })?;
        for (party, sample) in parties.iter_mut().zip(samples) {
            party.samples.push(sample);
        }
    }
    let mut report = Report::new(plan, parties)?;
    report.shared_peak_memory_bytes = peak_memory();
    Ok(report)
}

fn one(plan: &Plan, index: usize, number: u32, input: &Input, row: Vec<Option<Channel>>) -> Result<Sample> {
    let meter = row.iter().flatten().next().ok_or("a party without channels")?.meter().clone();
    let pool = ThreadPoolBuilder::new().num_threads(plan.threads).build()?;
    pool.install(|| {
        let mut watch = Watch::start(Clock::Pool, meter);
        let party = Party { protocol: plan.protocol, size: plan.size, index, session: node::session_id(number), input };
        party.run(row, &mut watch)?;
        Ok(watch.sample())
    })
}
