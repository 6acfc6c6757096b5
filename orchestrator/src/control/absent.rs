//! One answer for what is not here and for what is somebody else's (D6): same words, same length of time.
//!
//! ```text
//! a peer names an object ──> it is no party of it  ─┐
//!                        ──> there is none           ├─>  not-found, the same bytes, at the next tick
//! ```
//! Whoever could tell the two apart would learn by guessing which jobs, requests, authorisations and drafts others have. The code looks an object up
//! in its own ways; whatever it finds wanting ends in [`Code::NotFound`], and everything that leaves with that code is the one answer below.

use crate::fault::{Code, Fault};
use crate::node::Node;
use std::time::{Duration, Instant};

/// Answers that hide something leave at whole multiples of this after their question came: finding that a job is somebody else's takes a few
/// milliseconds more than finding none.
const TICK: Duration = Duration::from_millis(40);

/// The answer. It repeats no name: what was asked for is known to the asker.
pub(crate) fn not_here(node: &str) -> Fault {
    Fault::new(Code::NotFound, "nothing of this name is here for the asker").party(node)
}

/// A fault as it may leave: with the one answer in the place of every `not-found`.
pub(super) fn alike(node: &Node, fault: Fault) -> Fault {
    if fault.code == Code::NotFound { not_here(node.name()) } else { fault }
}

/// When an answer that hides something may leave.
pub(super) fn leaves(came: Instant, now: Instant) -> Instant {
    let ticks = now.saturating_duration_since(came).as_millis() / TICK.as_millis();
    came + TICK * u32::try_from(ticks).unwrap_or(u32::MAX - 1).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_answers_that_hide_something_leave_at_ticks() {
        let came = Instant::now();
        for (ms, at) in [(0, 40), (7, 40), (39, 40), (40, 80), (95, 120)] {
            assert_eq!(leaves(came, came + Duration::from_millis(ms)) - came, Duration::from_millis(at), "{ms}");
        }
        let told = not_here("yu://dev/health/n1").for_peers();
        assert_eq!(serde_json::to_string(&told).unwrap(), serde_json::to_string(&not_here("yu://dev/health/n1")).unwrap());
    }
}
