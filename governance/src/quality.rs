//! Quality of data (数据质量): how good a version is, who says so, and who puts it right.
//!
//! | to see | open |
//! |---|---|
//! | the four metrics as exact shares (K6) | [`metrics`] |

pub mod metrics;
