//! Attested peers: evidence bound to a session, verdicts on record, keys for what passed.
//!
//! | to see | open |
//! |---|---|
//! | nonces, evidence, verdict over a live session | [`exchange`] |
//! | who makes this node's evidence | [`attester`] |
//! | what this node asks of a worker | [`appraiser`] |
//! | verdicts with evidence, bundle and policy, by hash | [`records`] |

pub mod appraiser;
pub mod attester;
pub mod exchange;
pub mod records;
