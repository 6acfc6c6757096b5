//! Watching and complaints (S2; ZZ 14(一), TZ 五(一), ZJ 六(三)1, ZW 17, 27).
//!
//! | to see | open |
//! |---|---|
//! | rules over the stream of a log, warnings | [`mod@watch`] |
//! | a patrol as a signed record, when the next is due | [`round`] |
//! | the rules of a domain, how often patrols are due | [`order`] |
//! | a warning that somebody has looked at | [`acknowledgement`] |
//! | risk assessment | [`risk`] |
//! | complaints, without the complainant's name | [`complaint`] |

pub mod acknowledgement;
pub mod complaint;
pub mod order;
pub mod risk;
pub mod round;
pub mod watch;

pub use acknowledgement::Acknowledgement;
pub use complaint::{Complaint, ComplaintEvent, ComplaintRecord, ComplaintState};
pub use order::WatchOrder;
pub use risk::{Risk, RiskAssessment, RiskLevel};
pub use round::{Patrol, due};
pub use watch::{Per, Severity, Warning, WatchRule, watch};
