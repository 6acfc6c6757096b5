//! People (人员): who may act on the domain, on which evidence, in which post, until when.
//!
//! | to see | open |
//! |---|---|
//! | a person's record and its four evidences (H1, H5) | [`record`] |
//! | three administrators that are never one person (D12) | [`separation`] |
//! | contacts of an organisation (H4) | [`contacts`] |
//! | opening of access by the authority, and the credential (H1, H3) | [`credential`] |
//! | logins of an existing service, one to one (D10) | [`mapping`] |
//! | what each post may do (D12) | [`act`] |
//! | login by one's key | [`login`] |
//! | what an ID token of an existing service must say (D10) | [`token`] |
//! | the end of somebody's access | [`disabling`] |
//! | everybody together: enrol, disable, issue, open and check sessions (H1-H5, D10, D12) | [`directory`] |
//!
//! A person stands everywhere as a pseudonymous number. The real name stands in no document, only a salted reference to it, by which
//! the same person is recognised in two organisations.

pub mod act;
pub mod contacts;
pub mod credential;
pub mod directory;
pub mod disabling;
pub mod login;
pub mod mapping;
pub mod record;
pub mod separation;
pub mod token;
