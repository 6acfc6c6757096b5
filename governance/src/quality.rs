//! Quality of data (数据质量): how good a version is, who says so, and who puts it right.
//!
//! | to see | open |
//! |---|---|
//! | the four metrics as exact shares (K6) | [`metrics`] |
//! | evidence that cannot hold a value of the data (K5) | [`evidence`] |
//! | tickets: reported, judged by the authority, fixed by the provider, graded (K5) | [`ticket`] |
//! | tickets, their steps and the authority's report as they are filed | [`filing`] |
//! | one line for each source department (C6, S9) | [`report`] |

pub mod evidence;
pub mod filing;
pub mod metrics;
pub mod report;
pub mod ticket;
