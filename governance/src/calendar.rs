//! Working days (工作日): which days count for the review clocks of ZW 18, 20, 21 (rows C1 to C4), and calendar months.
//!
//! Holidays and make-up working days are announced every autumn for the next year and follow no formula: they are data, one
//! file a year. 2025 and 2026 are shipped; any other year comes as a file signed by the authority (D9: no registry, no
//! internet). A deadline that needs a year that is not loaded is an error naming that year, never a guess.
//!
//! How a limit is counted: the day of the start event does not count, the next one is day 1 (as the Civil Code counts, Art.
//! 201), and the limit ends with the last second of its last day. Days are days of UTC+8, see [`Date`].
//!
//! | to see | open |
//! |---|---|
//! | a date in the domain's zone | [`Date`] |
//! | one year as a file, and how it is signed | [`YearCalendar`] |
//! | counting | [`Calendar`] |
//! | a limit in a rule text | [`Limit`] |

mod count;
mod date;
mod limit;
mod year;

pub use count::Calendar;
pub use date::Date;
pub use limit::Limit;
pub use year::{NamedDay, YearCalendar};
