//! Reports and packages for those outside the domain: every number is recomputed by the reader, every page is self-contained.
//!
//! | to see | open |
//! |---|---|
//! | the yearly operation report (S5) | [`annual`] |
//! | the first tier's regular report on the second (S6) | [`usage`] |
//! | what the public sees, small numbers withheld (S6) | [`disclosure`] |
//! | packages that verify offline: inspection (S4), acceptance of a domain (D15) | [`package`] |
//! | a page in Chinese and English, printable, without script | [`page`] |

pub mod annual;
pub mod disclosure;
pub mod package;
pub mod page;
pub mod usage;

pub use annual::{AnnualReport, Facts, Section};
pub use disclosure::{Disclosure, Shown, withhold};
pub use package::{LogRange, Package, Purpose, Requirement};
pub use page::{Page, Table};
pub use usage::{UsageLine, UsageReport, overdue};
