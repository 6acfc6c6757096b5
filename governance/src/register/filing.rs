//! Filing with the province (备案, A12): a signed manifest of the hashes of all documents, and the receipt.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::refuse;

/// The manifest of a package; the documents lie beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilingPackage {
    /// Format version, 1.
    pub v: u32,
    /// What is filed.
    pub authorisation: AuthorisationId,
    /// Who files and signs.
    pub authority: PartyName,
    /// Through whom a county files (TZ 三(七)); signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<PartyName>,
    /// Hash of each document, as `sha256sum` prints it, by the name that the profile gives it (report, scenario, draft
    /// agreement, expert opinion, minutes).
    pub documents: BTreeMap<String, Hash>,
    /// When.
    pub at: Time,
}

impl SignedType for FilingPackage {
    const TYPE: &'static str = "filing-package-v1";
}

impl FilingPackage {
    /// Checks a package with its documents, offline.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `filing.format`, `filing.missing` naming every document of the profile's list that is not there,
    /// `filing.surplus` for a file that is not in the manifest, `filing.altered` naming the document whose bytes differ.
    pub fn verify<'a>(
        signed: &'a Signed<Self>,
        files: &BTreeMap<String, Vec<u8>>,
        required: &BTreeSet<String>,
        keys: &KeyRing,
    ) -> Result<&'a Self> {
        let filers: Vec<&str> = std::iter::once(&signed.payload.authority).chain(&signed.payload.through).map(PartyName::as_str).collect();
        let package = signed.verify(keys, &filers)?;
        if package.v != 1 || package.through.as_ref() == Some(&package.authority) {
            return Err(refuse("filing.format", "expected format 1, and a county that files through another party"));
        }
        let named: BTreeSet<&String> = required.iter().chain(package.documents.keys()).collect();
        let absent = |name: &&String| !package.documents.contains_key(*name) || !files.contains_key(*name);
        let missing: Vec<&str> = named.into_iter().filter(absent).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(refuse("filing.missing", missing.join(", ")));
        }
        for (name, bytes) in files {
            match package.documents.get(name) {
                None => return Err(refuse("filing.surplus", format!("`{name}` is not in the manifest"))),
                Some(hash) if *hash != Hash::of_file_with(hash.algorithm(), bytes) => {
                    return Err(refuse("filing.altered", format!("`{name}` is not the document that was filed")));
                }
                Some(_) => {}
            }
        }
        Ok(package)
    }
}

/// The province's receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the package.
    pub package: Hash,
    /// Who received it and signs.
    pub receiver: PartyName,
    /// Number under which it is filed.
    pub number: String,
    /// When.
    pub at: Time,
}

impl SignedType for Receipt {
    const TYPE: &'static str = "filing-receipt-v1";
}

impl Receipt {
    /// Checks that a receipt is on this package; gives its hash, which the workflow's event of filing cites.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `receipt.other` for another package, receiver or format, no number, or a date before the filing.
    pub fn verify(signed: &Signed<Self>, package: &FilingPackage, receiver: &PartyName, keys: &KeyRing) -> Result<Hash> {
        let receipt = signed.verify(keys, &[receiver.as_str()])?;
        let fits = receipt.v == 1 && receipt.receiver == *receiver && receipt.at >= package.at && !receipt.number.trim().is_empty();
        if fits && receipt.package == document_hash(package)? {
            return document_hash(receipt);
        }
        Err(refuse("receipt.other", format!("this is no receipt of `{receiver}` on the filing of `{}`", package.authorisation)))
    }
}
