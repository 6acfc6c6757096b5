//! Tables and their versions; migrations only go forward.

use crate::fault::{Code, Fault, Result};
use rusqlite::Connection;

const VERSION: i64 = 4;

const V1: &str = "
CREATE TABLE peer (
  name TEXT PRIMARY KEY,          -- yu://env/org/node
  address TEXT,                   -- host:port to dial; NULL: it dials us
  root TEXT NOT NULL,             -- organisation root certificate, DER as base64
  signing_key TEXT NOT NULL,
  seal_key TEXT NOT NULL,
  role TEXT NOT NULL,
  controller TEXT NOT NULL,
  zone TEXT NOT NULL,
  joined INTEGER NOT NULL
) STRICT;
CREATE TABLE invite (
  id TEXT PRIMARY KEY,            -- public id of the ticket; its secret is stored hashed
  secret TEXT NOT NULL,
  expires INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE object (             -- signed documents, canonical JSON
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  hash TEXT NOT NULL,
  json TEXT NOT NULL,
  stored INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;
CREATE TABLE dataset (
  id TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  rows INTEGER NOT NULL,
  source TEXT NOT NULL,           -- the file it was read from
  read_options TEXT NOT NULL,
  entry TEXT NOT NULL,            -- catalogue entry, JSON
  consent INTEGER NOT NULL,       -- 1: receipts are in the vault as <id>.consent
  added INTEGER NOT NULL
) STRICT;
CREATE TABLE job (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  contract TEXT NOT NULL,         -- signed contract and its evidence, JSON
  proposer TEXT NOT NULL,
  fault TEXT,
  measured TEXT,                  -- metered costs, JSON
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
CREATE TABLE job_event (
  job TEXT NOT NULL REFERENCES job(id),
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  verb TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (job, seq)
) STRICT;
CREATE TABLE share (              -- sealed output shares waiting at the reviewer
  job TEXT NOT NULL,
  party TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (job, party)
) STRICT;
CREATE TABLE outbox (             -- what must still reach a peer; removed when it confirms
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  job TEXT,
  request TEXT NOT NULL
) STRICT;
CREATE TABLE run (
  pair TEXT NOT NULL,
  day TEXT NOT NULL,
  job TEXT NOT NULL,
  PRIMARY KEY (pair, day, job)
) STRICT;
";

const V2: &str = "
ALTER TABLE job ADD COLUMN certificate TEXT;                  -- hash of the destruction certificate, once it is signed
ALTER TABLE job ADD COLUMN cleaned INTEGER NOT NULL DEFAULT 0; -- 1: a failure is logged, and what it left is destroyed
CREATE TABLE run_key (            -- secrets that a run holds in memory only; never the secrets themselves
  job TEXT NOT NULL,
  what TEXT NOT NULL,
  process TEXT NOT NULL,          -- random name of the process that made it
  wiped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, what)
) STRICT;
";

const V3: &str = "
ALTER TABLE outbox ADD COLUMN tried INTEGER;   -- when the peer last answered that it does not take it, unix seconds
ALTER TABLE outbox ADD COLUMN refusal TEXT;    -- the fault by which it refused, JSON
";

const V4: &str = "
CREATE TABLE statement (          -- what a peer was told before there was a contract
  dataset TEXT NOT NULL,
  asker TEXT NOT NULL,
  question TEXT NOT NULL,         -- hash of version, approval, key and columns
  receipts TEXT NOT NULL,         -- names the state of the consent receipts that were counted
  answer TEXT NOT NULL,           -- counts, commitment, magnitudes, JSON
  at INTEGER NOT NULL,
  PRIMARY KEY (dataset, asker, question)
) STRICT;
CREATE TABLE asked (              -- questions that were counted today
  dataset TEXT NOT NULL,
  asker TEXT NOT NULL,
  day TEXT NOT NULL,
  times INTEGER NOT NULL,
  PRIMARY KEY (dataset, asker, day)
) STRICT;
";

/// Each brings the store from the version of its position to the next.
const STEPS: [&str; 4] = [V1, V2, V3, V4];

/// Brings an empty or older store to this version.
pub(super) fn migrate(db: &Connection) -> Result<()> {
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = usize::try_from(found).ok().and_then(|from| STEPS.get(from..)) else {
        return Err(Fault::new(Code::Version, format!("store is of version {found}, this program knows {VERSION}")).at("store/yu.sqlite"));
    };
    if !missing.is_empty() {
        db.execute_batch(&format!("BEGIN IMMEDIATE; {} PRAGMA user_version = {VERSION}; COMMIT;", missing.concat()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_store_is_brought_up_to_date_with_its_rows() {
        assert_eq!(STEPS.len() as i64, VERSION);
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("{V1} PRAGMA user_version = 1;")).unwrap();
        db.execute("INSERT INTO job (id, state, contract, proposer, created, updated) VALUES ('j','failed','{}','p',1,1)", []).unwrap();
        migrate(&db).unwrap();
        migrate(&db).unwrap();
        let cleaned: i64 = db.query_row("SELECT cleaned FROM job WHERE id='j' AND certificate IS NULL", [], |r| r.get(0)).unwrap();
        assert_eq!(cleaned, 0);
        db.execute_batch("INSERT INTO run_key (job, what, process) VALUES ('j', 'psi-exponent', 'p')").unwrap();
    }
}
