//! Tables and their versions; migrations only go forward.

use crate::fault::{Code, Fault, Result};
use rusqlite::Connection;

const VERSION: i64 = 5;

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

const V5: &str = "
CREATE TABLE unlogged (           -- events of changes, written with them; gone when they are in the audit log
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  draft TEXT NOT NULL             -- JSON; its mark tells whether it is in the log
) STRICT;
CREATE TABLE log_head (           -- one row: from then on the log has a head in a file of its own, and is damaged without
  one INTEGER PRIMARY KEY CHECK (one = 1),
  since INTEGER NOT NULL
) STRICT;
ALTER TABLE job ADD COLUMN told INTEGER NOT NULL DEFAULT 0;   -- 1: what the log says of its end was stored with its end
CREATE INDEX job_of_proposer ON job (proposer, state);
CREATE INDEX job_in_state ON job (state, created DESC, id);
CREATE INDEX job_by_age ON job (created DESC, id);
CREATE INDEX outbox_of_job ON outbox (job);
CREATE INDEX outbox_of_peer ON outbox (peer, id);
CREATE INDEX object_by_age ON object (kind, stored, id);
CREATE INDEX statement_by_age ON statement (at);
CREATE INDEX asked_on ON asked (day);
";

/// Each brings the store from the version of its position to the next.
const STEPS: [&str; 5] = [V1, V2, V3, V4, V5];

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
        for from in 1..STEPS.len() {
            let db = Connection::open_in_memory().unwrap();
            db.execute_batch(&format!("{} PRAGMA user_version = {from};", STEPS[..from].concat())).unwrap();
            db.execute_batch(
                "INSERT INTO job (id, state, contract, proposer, created, updated) VALUES ('j','failed','{}','p',1,1);
                 INSERT INTO job_event VALUES ('j',0,1,'failed','{}');
                 INSERT INTO outbox (peer, job, request) VALUES ('bank','j','r');
                 INSERT INTO run VALUES ('a b','2026-11-29','j');
                 INSERT INTO object VALUES ('authorisation','a','h','{}',1);",
            )
            .unwrap();
            migrate(&db).unwrap();
            migrate(&db).unwrap();
            let count = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
            assert_eq!(count("SELECT COUNT(*) FROM job WHERE id='j' AND certificate IS NULL AND cleaned=0 AND told=0"), 1, "{from}");
            for table in ["job_event", "outbox", "run", "object"] {
                assert_eq!(count(&format!("SELECT COUNT(*) FROM {table}")), 1, "{from} {table}");
            }
            // without a row: the log was written before it had heads, and is taken as it is once
            assert_eq!(count("SELECT COUNT(*) FROM log_head") + count("SELECT COUNT(*) FROM unlogged"), 0);
            db.execute_batch("INSERT INTO run_key (job, what, process) VALUES ('j', 'psi-exponent', 'p')").unwrap();
        }
    }

    #[test]
    fn what_is_asked_often_is_found_by_an_index() {
        let db = Connection::open_in_memory().unwrap();
        migrate(&db).unwrap();
        for sql in [
            "SELECT COUNT(*) FROM job WHERE proposer='p' AND id<>'j' AND state IN ('proposed','held')",
            "SELECT id FROM job WHERE state IN ('proposed','held')",
            "SELECT id FROM job WHERE state='failed' AND cleaned=0 ORDER BY created, id",
            "SELECT id FROM job WHERE id>='abcdef' AND id<'abcdefg' LIMIT 2",
            "SELECT COUNT(*) FROM run WHERE pair='p' AND day='d'",
            "SELECT id, request FROM outbox WHERE peer='p' AND id>0 ORDER BY id LIMIT 1",
            "SELECT COUNT(*) FROM outbox WHERE job='j'",
            "SELECT id, draft FROM unlogged WHERE id>0 ORDER BY id",
        ] {
            let plan: String = db.query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |r| r.get("detail")).unwrap();
            assert!(plan.starts_with("SEARCH"), "{sql}: {plan}");
        }
    }
}
