//! Procedures (程序) on a node: authorisations, requests, products, incidents, suspensions and persons move by signed steps only.
//!
//! ```text
//! drafter                     others who sign            the authority's node            every node
//!   draft, own signature  ──>  a person adds its own
//!   all signatures here   ─────────────────────────────>  the step holds by the rules
//!                                                         in force, is numbered, dated
//!                                                         and logged             ──────>  checks the same, logs,
//!                                                                                         acts on it
//! ```
//! | to see | open |
//! |---|---|
//! | the six machines by name | [`kind`] |
//! | which profile, appointments and keys are in force here | [`law`] |
//! | a profile comes into force; appointments | [`adopt`] |
//! | stored chains, steps that arrive | [`chain`] |
//! | steps that wait for signatures | [`draft`] |
//! | what a node has missed | [`sync`] |
//! | what follows for jobs | [`effect`] |
//! | what sensitive columns need | [`sensitive`] |
//!
//! Without a profile in force nothing here decides, and jobs run by authorisation, requests and policy alone.

pub mod adopt;
pub mod chain;
pub mod draft;
pub mod effect;
pub mod kind;
pub mod law;
pub mod sensitive;
pub mod sync;
