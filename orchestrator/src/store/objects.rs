//! Peers, tickets, signed documents, data sets, undelivered messages.

use super::log::note;
use super::{Store, bad_row};
use crate::fault::{Fault, Result};
use crate::people::acting::bound;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use yu_governance::audit::{Draft, Event};
use yu_governance::clock::Time;

/// A peer that was admitted by ticket.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct PeerRow {
    /// `yu://env/org/node`.
    pub name: String,
    /// Where to dial; absent when it dials us.
    pub address: Option<String>,
    /// Organisation root certificate, DER as base64.
    pub root: String,
    /// Verifies its signatures.
    pub signing_key: String,
    /// Seals to it.
    pub seal_key: String,
    /// Its role.
    pub role: String,
    /// Who controls it.
    pub controller: String,
    /// `inside` or `outside`.
    pub zone: String,
}

/// A signed document.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// Its canonical JSON.
    pub json: String,
}

/// A data set of this node.
#[derive(Debug, Clone)]
pub struct DatasetRow {
    /// Its id.
    pub id: String,
    /// Hash of the file it came from.
    pub version: String,
    /// Rows.
    pub rows: u64,
    /// Path of that file.
    pub source: String,
    /// How it was read, JSON.
    pub read_options: String,
    /// Catalogue entry, JSON.
    pub entry: String,
    /// Whether consent receipts are stored.
    pub consent: bool,
}

fn peer(row: &Row<'_>) -> rusqlite::Result<PeerRow> {
    Ok(PeerRow {
        name: row.get(0)?,
        address: row.get(1)?,
        root: row.get(2)?,
        signing_key: row.get(3)?,
        seal_key: row.get(4)?,
        role: row.get(5)?,
        controller: row.get(6)?,
        zone: row.get(7)?,
    })
}

const DATASET: &str = "id, version, rows, source, read_options, entry, consent";

fn dataset(r: &Row<'_>) -> rusqlite::Result<DatasetRow> {
    Ok(DatasetRow {
        id: r.get(0)?,
        version: r.get(1)?,
        rows: u64::try_from(r.get::<_, i64>(2)?).unwrap_or(0),
        source: r.get(3)?,
        read_options: r.get(4)?,
        entry: r.get(5)?,
        consent: r.get(6)?,
    })
}

/// Shares and results: the job does not go on without them.
const MUST_ARRIVE: &str = "(request LIKE '{\"ask\":\"share\"%' OR request LIKE '{\"ask\":\"release\"%')";

const PEER: &str = "name, address, root, signing_key, seal_key, role, controller, zone";

/// Stores a peer, perhaps as part of a larger step.
pub(super) fn enter_peer(db: &Connection, p: &PeerRow, now: i64) -> Result<()> {
    db.execute(
        "INSERT INTO peer (name, address, root, signing_key, seal_key, role, controller, zone, joined) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)
         ON CONFLICT (name) DO UPDATE SET address=?2, root=?3, signing_key=?4, seal_key=?5, role=?6, controller=?7, zone=?8",
        params![p.name, p.address, p.root, p.signing_key, p.seal_key, p.role, p.controller, p.zone, now],
    )?;
    Ok(())
}

/// Stores a document, perhaps as part of a larger step.
pub(super) fn keep(db: &Connection, kind: &str, id: &str, hash: &str, json: &str, now: i64) -> Result<()> {
    db.execute(
        "INSERT INTO object (kind, id, hash, json, stored) VALUES (?1,?2,?3,?4,?5) ON CONFLICT (kind, id) DO UPDATE SET hash=?3, json=?4, stored=?5",
        params![kind, id, hash, json, now],
    )?;
    Ok(())
}

impl Store {
    /// Stores a peer; its address may change, its keys only through a new ticket.
    pub fn put_peer(&self, p: &PeerRow, now: i64) -> Result<()> {
        enter_peer(&self.lock(), p, now)
    }

    /// One peer.
    pub fn peer(&self, name: &str) -> Result<Option<PeerRow>> {
        Ok(self.lock().query_row(&format!("SELECT {PEER} FROM peer WHERE name=?1"), [name], peer).optional()?)
    }

    /// Forgets a peer and what it was still to be told, and keeps the event for the log, in one step.
    pub fn remove_peer(&self, name: &str, log: Event, now: i64) -> Result<()> {
        let log = Draft::new(bound(log), Time::from_unix(now))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        tx.execute("DELETE FROM peer WHERE name=?1", [name])?;
        tx.execute("DELETE FROM outbox WHERE peer=?1", [name])?;
        note(&tx, &[log])?;
        self.sweep(&tx)?;
        tx.commit()?;
        Ok(())
    }

    /// All peers, by name.
    pub fn peers(&self) -> Result<Vec<PeerRow>> {
        let db = self.lock();
        let mut query = db.prepare(&format!("SELECT {PEER} FROM peer ORDER BY name"))?;
        let rows = query.query_map([], peer)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(rows)
    }

    /// Remembers an invitation by the hash of its secret.
    pub fn put_invite(&self, id: &str, secret_hash: &str, expires: i64) -> Result<()> {
        self.lock().execute("INSERT INTO invite (id, secret, expires) VALUES (?1,?2,?3)", params![id, secret_hash, expires])?;
        Ok(())
    }

    /// The secret's hash of an unused invitation that is still valid.
    pub fn open_invite(&self, id: &str, now: i64) -> Result<Option<String>> {
        let sql = "SELECT secret FROM invite WHERE id=?1 AND used=0 AND expires>?2";
        Ok(self.lock().query_row(sql, params![id, now], |r| r.get(0)).optional()?)
    }

    /// Stores a document; storing the same again is no error.
    pub fn put_object(&self, kind: &str, id: &str, hash: &str, json: &str, now: i64) -> Result<()> {
        keep(&self.lock(), kind, id, hash, json, now)
    }

    /// Stores many documents of a kind in one step: id, hash, JSON.
    pub fn put_objects(&self, kind: &str, all: &[(String, String, String)], now: i64) -> Result<()> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        all.iter().try_for_each(|(id, hash, json)| keep(&tx, kind, id, hash, json, now))?;
        tx.commit()?;
        Ok(())
    }

    /// One document.
    pub fn object(&self, kind: &str, id: &str) -> Result<Option<Object>> {
        let map = |r: &Row<'_>| Ok(Object { id: r.get(0)?, hash: r.get(1)?, json: r.get(2)? });
        Ok(self.lock().query_row("SELECT id, hash, json FROM object WHERE kind=?1 AND id=?2", [kind, id], map).optional()?)
    }

    /// Id of the oldest document of a kind whose id ends with this name; no document is read.
    pub fn object_named(&self, kind: &str, name: &str) -> Result<Option<String>> {
        let sql = "SELECT id FROM object WHERE kind=?1 AND substr(id, -length(?2))=?2 ORDER BY stored, id LIMIT 1";
        Ok(self.lock().prepare(sql)?.query_row([kind, &format!("/{name}")], |r| r.get(0)).optional()?)
    }

    /// Forgets a document; false when it was not here.
    pub fn remove_object(&self, kind: &str, id: &str) -> Result<bool> {
        Ok(self.lock().execute("DELETE FROM object WHERE kind=?1 AND id=?2", [kind, id])? == 1)
    }

    /// Forgets invitations that are past, used or not.
    pub fn expire_invites(&self, now: i64) -> Result<()> {
        self.lock().execute("DELETE FROM invite WHERE expires<=?1", [now])?;
        Ok(())
    }

    /// All documents of a kind.
    pub fn objects(&self, kind: &str) -> Result<Vec<Object>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id, hash, json FROM object WHERE kind=?1 ORDER BY stored, id")?;
        let rows = query.query_map([kind], |r| Ok(Object { id: r.get(0)?, hash: r.get(1)?, json: r.get(2)? }))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Documents of a kind whose ids lie in `from..to`, by id.
    pub fn objects_from(&self, kind: &str, from: &str, to: &str) -> Result<Vec<Object>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id, hash, json FROM object WHERE kind=?1 AND id>=?2 AND id<?3 ORDER BY id")?;
        let rows = query.query_map([kind, from, to], |r| Ok(Object { id: r.get(0)?, hash: r.get(1)?, json: r.get(2)? }))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Ids of a kind's documents that were stored before an instant.
    pub fn objects_older(&self, kind: &str, before: i64) -> Result<Vec<String>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id FROM object WHERE kind=?1 AND stored<?2 ORDER BY stored, id")?;
        Ok(query.query_map(params![kind, before], |r| r.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Registers a data set version with its signed catalogue entry (hash, JSON) and the event for the log, in one step.
    pub fn put_dataset(&self, d: &DatasetRow, (hash, entry): (&str, &str), log: Event, now: i64) -> Result<()> {
        let rows = i64::try_from(d.rows).map_err(|_| bad_row("dataset"))?;
        let log = Draft::new(bound(log), Time::from_unix(now))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        keep(&tx, "catalogue", &d.id, hash, entry, now)?;
        tx.execute(
            "INSERT INTO dataset (id, version, rows, source, read_options, entry, consent, added) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)
             ON CONFLICT (id) DO UPDATE SET version=?2, rows=?3, source=?4, read_options=?5, entry=?6, consent=?7, added=?8",
            params![d.id, d.version, rows, d.source, d.read_options, d.entry, d.consent, now],
        )?;
        note(&tx, &[log])?;
        self.sweep(&tx)?;
        tx.commit()?;
        Ok(())
    }

    /// One data set.
    pub fn dataset(&self, id: &str) -> Result<Option<DatasetRow>> {
        let db = self.lock();
        let mut query = db.prepare(&format!("SELECT {DATASET} FROM dataset WHERE id=?1"))?;
        Ok(query.query_row([id], dataset).optional()?)
    }

    /// All data sets.
    pub fn datasets(&self) -> Result<Vec<DatasetRow>> {
        let db = self.lock();
        let mut query = db.prepare(&format!("SELECT {DATASET} FROM dataset ORDER BY id"))?;
        let rows = query.query_map([], dataset)?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Takes a data set off the register.
    pub fn remove_dataset(&self, id: &str) -> Result<bool> {
        Ok(self.lock().execute("DELETE FROM dataset WHERE id=?1", [id])? == 1)
    }

    /// Queues a message until the peer confirms it.
    pub fn queue(&self, peer: &str, job: Option<&str>, request: &str) -> Result<()> {
        self.lock().execute("INSERT INTO outbox (peer, job, request) VALUES (?1,?2,?3)", params![peer, job, request])?;
        Ok(())
    }

    /// Undelivered messages, oldest first.
    pub fn outbox(&self) -> Result<Vec<(i64, String, String)>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id, peer, request FROM outbox ORDER BY id")?;
        let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// The oldest undelivered message to a peer behind message `after`, without those that it did not take since `tried`.
    pub fn next_for(&self, peer: &str, after: i64, tried: i64) -> Result<Option<(i64, String)>> {
        let sql = "SELECT id, request FROM outbox WHERE peer=?1 AND id>?2 AND (tried IS NULL OR tried<?3) ORDER BY id LIMIT 1";
        Ok(self.lock().query_row(sql, params![peer, after, tried], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
    }

    /// Keeps that a peer did not take a message, and by which fault; true for the first time. The message stays.
    pub fn not_taken(&self, id: i64, fault: &Fault, now: i64) -> Result<bool> {
        let json = serde_json::to_string(fault).map_err(|_| bad_row("outbox"))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let first = tx.query_row("SELECT refusal IS NULL FROM outbox WHERE id=?1", [id], |r| r.get(0)).optional()?;
        tx.execute("UPDATE outbox SET tried=?2, refusal=?3 WHERE id=?1", params![id, now, json])?;
        tx.commit()?;
        Ok(first.unwrap_or(false))
    }

    /// Undelivered shares and results of a job: message, peer, and the fault by which the peer did not take it, if it answered.
    pub fn must_arrive(&self, job: &str) -> Result<Vec<(i64, String, Option<Fault>)>> {
        let db = self.lock();
        let mut query = db.prepare(&format!("SELECT id, peer, refusal FROM outbox WHERE job=?1 AND {MUST_ARRIVE} ORDER BY id"))?;
        let rows = query.query_map([job], |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, Option<String>>(2)?)))?;
        rows.map(|row| {
            let (id, peer, refusal): (i64, String, Option<String>) = row?;
            let refusal = refusal.map(|json| serde_json::from_str(&json).map_err(|_| bad_row("outbox"))).transpose()?;
            Ok((id, peer, refusal))
        })
        .collect()
    }

    /// How many shares and results of a job are undelivered; whoever else is still to be told does not hold the job up.
    pub fn outbox_of(&self, job: &str) -> Result<u64> {
        let n: i64 = self.lock().query_row(&format!("SELECT COUNT(*) FROM outbox WHERE job=?1 AND {MUST_ARRIVE}"), [job], |r| r.get(0))?;
        Ok(u64::try_from(n).unwrap_or(u64::MAX))
    }

    /// Removes a confirmed message.
    pub fn delivered(&self, id: i64) -> Result<()> {
        self.lock().execute("DELETE FROM outbox WHERE id=?1", [id])?;
        Ok(())
    }
}
