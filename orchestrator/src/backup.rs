//! Encrypted backup and restore (备份与恢复, D3), in which nothing that was destroyed comes back.
//!
//! ```text
//! yu backup key      a key pair for restoring; the secret half is kept away from the node, under a passphrase if wanted
//! yu backup escrow   a second medium with the wrapped keys of all payloads; what is destroyed is destroyed there first
//! yu backup make     while the node runs: DIR/backup.json  signed, names the rest by hash, sealed to the key
//!                                         DIR/control.yub  store, log, keys of the node: encrypted
//!                                         DIR/blobs/       payloads under their own keys, which are not in here
//! yu backup restore  an empty directory; payloads come back only if the escrow still has the key of that very payload
//! yu up              a restored node first asks every peer how far it has seen its log: it does not begin a second history
//! ```
//! | to see | open |
//! |---|---|
//! | key pairs for restoring | [`key`] |
//! | a key that several hold | [`quorum`] |
//! | the files of a backup | [`archive`] |
//! | a snapshot of a running node | [`make`] |
//! | a directory out of a backup, and its checks | [`restore`] |
//! | the first start of a restored node | [`resume`] |
//! | a restoration for practice, with its record | [`drill`] |
//! | the second copy of the keys | [`crate::vault::Escrow`] |
//!
//! What it cannot promise: whoever copied the escrow before a destruction, and holds an older backup and its key, has three things that belong in three hands.

pub mod archive;
pub mod drill;
pub mod key;
pub mod make;
pub mod quorum;
pub mod restore;
pub mod resume;
