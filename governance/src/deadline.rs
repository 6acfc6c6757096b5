//! Clocks of review (C1 to C4, C6) and correction orders (C5): who has how long, and what a lapse means.
//!
//! Everything is a pure state machine over signed records: a clock takes a record and the moment at which it was received and
//! gives the next clock, or refuses the record by name and stays as it is. What is stored is the records with their moments;
//! a node that starts again replays them. Limits, start events and gates come from the profile ([`crate::profile`]), days
//! from the [`crate::calendar`]; time is an argument.
//!
//! Moments are those of the clock service that receives a record, not those that the sender writes: nobody decides in time by
//! dating a decision back.
//!
//! | to see | open |
//! |---|---|
//! | what is decided, by whom, who hears of it (C1 to C3) | [`Matter`], [`Reviewer`], [`Notice`] |
//! | an application as it is filed for review (C1 to C3) | [`ReviewApplication`] |
//! | one reviewer's clock (C3) | [`ReviewClock`], [`ReviewRecord`] |
//! | all reviewers of one application (C3) | [`Application`] |
//! | silence as consent (C4) | [`DeemedConsent`], [`ConsentByLapse`] |
//! | correction orders (C5) | [`Correction`] |
//! | timeliness by source department (C6) | [`Timeliness`] |

mod application;
mod correction;
mod deemed;
mod filing;
mod matter;
mod notice;
mod record;
mod review;
mod timeliness;

pub use application::{Application, Outcome};
pub use correction::{Access, Correction, CorrectionEvent, CorrectionOrder, CorrectionRecord, CorrectionState};
pub use deemed::{ConsentByLapse, DeemedConsent};
pub use filing::{ReviewApplication, Seat, Subject};
pub use matter::{Matter, Recipient, Reviewer, Terms, Touch};
pub use notice::{Notice, NoticeResult};
pub use record::{ReviewEvent, ReviewRecord, Verdict};
pub use review::{Decision, ReviewClock, Seats, Status};
pub use timeliness::{DepartmentRow, Timeliness};

use crate::error::Error;

const fn refused(code: &'static str, what: String) -> Error {
    Error::Refused { code, what }
}
