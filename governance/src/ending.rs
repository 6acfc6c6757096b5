//! The end of an authorisation at one node (L1, L5, L6): everything that it held is named, and what became of it; one certificate, countersigned by the
//! regulator, with a Merkle proof for each asset, so that one asset can be shown to somebody without showing the others.
//!
//! What was sealed instead of destroyed ([`SealedPackage`]) opens only with two halves of a key, one sealed to the authority, one to the regulator.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::asset::{Action, AssetKind, DisposalPlan, Hold, action};
use crate::audit::merkle::{Digest, inclusion_proof, is_included, leaf, root};
use crate::canonical::{Hash, to_canonical};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{AuthorisationId, PartyName};
use crate::sign::SignedType;
use crate::suite::suite;
use crate::text::Text;

/// Most assets in one certificate: it is a document of the docket, which bounds its bytes.
pub const MOST: usize = 500;

/// One thing that a node held, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedAsset {
    /// Its name at the holder; never a value.
    pub id: String,
    /// What it is.
    pub kind: AssetKind,
    /// Hash of its content as lineage knows it; absent where lineage knows none, as of working copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Hash>,
    /// What was done.
    pub action: Action,
    /// Hash of the destruction certificate, of the sealed package, or of the receipt.
    pub evidence: Hash,
}

/// A node's statement on everything that it held of an authorisation; the holder and the regulator sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingCertificate {
    /// Format version, 1.
    pub v: u32,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// Who held it.
    pub holder: PartyName,
    /// When the authorisation ended.
    pub ended: Time,
    /// An incident or dispute is open: what would be destroyed is sealed.
    pub is_held: bool,
    /// Hash of the disposal plan that was carried out; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Hash>,
    /// This part, from 1, and how many there are.
    pub part: [u32; 2],
    /// The assets. May be empty: a node that held nothing says so.
    pub assets: Vec<EndedAsset>,
    /// Merkle root over them.
    pub root: Digest,
    /// When it was written.
    pub at: Time,
}

impl SignedType for EndingCertificate {
    const TYPE: &'static str = "ending-certificate-v1";
}

/// That one asset stands in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetProof {
    /// Hash of the certificate.
    pub certificate: Hash,
    /// The asset.
    pub asset: EndedAsset,
    /// Its place.
    pub index: u32,
    /// How many there are.
    pub size: u32,
    /// Hashes on the way to the root.
    pub path: Vec<Digest>,
}

fn leaves(assets: &[EndedAsset]) -> Result<Vec<Digest>> {
    assets.iter().map(|asset| Ok(leaf(suite().hash(), &to_canonical(asset)?))).collect()
}

/// Merkle root over assets.
///
/// # Errors
/// `Malformed` for an asset without a canonical form.
pub fn root_of(assets: &[EndedAsset]) -> Result<Digest> {
    Ok(root(suite().hash(), &leaves(assets)?))
}

fn refuse(code: &'static str, what: impl Into<String>) -> Error {
    Error::Refused { code, what: what.into() }
}

impl EndingCertificate {
    /// Checks everything that the document itself shows, and the plan where there is one.
    ///
    /// # Errors
    /// `Refused`: `ending.format`, `ending.root`, `ending.early`, `ending.evidence` for evidence or an asset named twice, `ending.plan` for another plan,
    /// `ending.action` for an asset that was not treated as the plan, or the open matter, demands. What is late
    /// is not refused, or it could never be certified: see [`Self::is_late`].
    pub fn check(&self, plan: Option<(&DisposalPlan, Hash)>, now: Time) -> Result<()> {
        let [part, parts] = self.part;
        let names_all = self.assets.iter().all(|asset| !asset.id.trim().is_empty() && asset.id.len() <= 200);
        if self.v != 1 || part == 0 || part > parts || parts > 1000 || self.assets.len() > MOST || !names_all {
            return Err(refuse("ending.format", format!("expected format 1, a part of a whole, at most {MOST} named assets")));
        }
        if root_of(&self.assets)? != self.root {
            return Err(refuse("ending.root", "the root is not that of the assets"));
        }
        if self.at < self.ended || self.ended > now {
            return Err(refuse("ending.early", "the authorisation had not ended"));
        }
        let mut seen = BTreeSet::new();
        if !self.assets.iter().all(|asset| seen.insert((asset.id.as_str(), asset.kind))) {
            return Err(refuse("ending.evidence", "an asset is named twice"));
        }
        if self.plan != plan.as_ref().map(|(_, hash)| *hash) {
            return Err(refuse("ending.plan", "it carries out another plan than the one that is filed"));
        }
        let hold = if self.is_held { Hold::Open } else { Hold::None };
        for asset in &self.assets {
            let wanted = match plan {
                Some((plan, _)) => action(plan, asset.kind, hold)
                    .map_err(|found| refuse("ending.action", found.first().map_or_else(|| "no action".to_owned(), ToString::to_string)))?,
                None if self.is_held => Action::Seal,
                None => Action::Destroy,
            };
            // documents, and results that have left, are nobody's to destroy at the end unless a plan says so
            let is_kept = plan.is_none() && asset.action == Action::Keep && matches!(asset.kind, AssetKind::Document | AssetKind::Result);
            // what was destroyed before, by a certificate of its own, cannot be sealed or handed over any more
            let was_destroyed =
                asset.action == Action::Destroy && matches!(asset.kind, AssetKind::Rows | AssetKind::Model) && asset.id.starts_with("job-");
            if asset.action != wanted && !is_kept && !was_destroyed {
                return Err(refuse("ending.action", format!("`{}` was `{}`, demanded is `{wanted}`", asset.id, asset.action)));
            }
        }
        Ok(())
    }

    /// Whether it was written later than the plan says.
    #[must_use]
    pub fn is_late(&self, plan: &DisposalPlan) -> bool {
        self.at > self.ended.plus_days(i64::from(plan.within_days))
    }

    /// The proof for the asset at a place.
    ///
    /// # Errors
    /// `Refused` with `ending.no-asset` beyond the end; `Malformed`.
    pub fn prove(&self, index: usize) -> Result<AssetProof> {
        let missing = || refuse("ending.no-asset", format!("there are {} assets", self.assets.len()));
        let asset = self.assets.get(index).cloned().ok_or_else(missing)?;
        let path = inclusion_proof(suite().hash(), index, &leaves(&self.assets)?).ok_or_else(missing)?;
        let number = |n: usize| u32::try_from(n).map_err(|_| missing());
        let (index, size) = (number(index)?, number(self.assets.len())?);
        Ok(AssetProof { certificate: crate::id::document_hash(self)?, asset, index, size, path })
    }
}

impl AssetProof {
    /// Whether the asset stands under a certificate's root.
    ///
    /// # Errors
    /// `Refused` with `ending.proof`.
    pub fn verify(&self, root: &Digest) -> Result<&EndedAsset> {
        let alg = self.certificate.algorithm();
        let leaf = leaf(alg, &to_canonical(&self.asset)?);
        if is_included(alg, &leaf, u64::from(self.index), u64::from(self.size), &self.path, root) {
            return Ok(&self.asset);
        }
        Err(refuse("ending.proof", "the asset does not stand under this root"))
    }
}

/// Assets that were sealed (封存): re-encrypted, local keys destroyed; the line of the docket is the time-stamp. Holder, authority and regulator sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPackage {
    /// Format version, 1.
    pub v: u32,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// Who held it.
    pub holder: PartyName,
    /// Hash of the encrypted package.
    pub file: Hash,
    /// Objects in it.
    pub objects: u32,
    /// Who has the first half of the key.
    pub authority: PartyName,
    /// Who has the second half.
    pub regulator: PartyName,
    /// When it was sealed.
    pub at: Time,
}

impl SignedType for SealedPackage {
    const TYPE: &'static str = "sealed-package-v1";
}

/// A package may be opened: authority and regulator sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsealing {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the encrypted package.
    pub file: Hash,
    /// Why.
    pub reason: Text,
    /// When it was written.
    pub at: Time,
}

impl SignedType for Unsealing {
    const TYPE: &'static str = "unsealing-v1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::AssetKind as K;
    use std::collections::BTreeMap;

    const END: Time = Time::from_unix(1000);

    fn hash(text: &str) -> Hash {
        Hash::of_file(text.as_bytes())
    }

    fn asset(n: u32, kind: K, action: Action) -> EndedAsset {
        EndedAsset { id: format!("thing-{n}"), kind, content: None, action, evidence: hash(&format!("certificate {n}")) }
    }

    fn certificate(assets: Vec<EndedAsset>) -> EndingCertificate {
        EndingCertificate {
            v: 1,
            authorisation: "dev/authority/a1".parse().unwrap(),
            holder: "yu://dev/bank/n1".parse().unwrap(),
            ended: END,
            is_held: false,
            plan: None,
            part: [1, 1],
            root: root_of(&assets).unwrap(),
            assets,
            at: END.plus_seconds(10),
        }
    }

    fn code(result: Result<()>) -> &'static str {
        match result {
            Ok(()) => "",
            Err(Error::Refused { code, .. }) => code,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn l1_each_asset_has_a_proof_under_the_root_and_no_other_asset_has() {
        let all: Vec<EndedAsset> = (0..7).map(|n| asset(n, K::Rows, Action::Destroy)).collect();
        let certificate = certificate(all.clone());
        certificate.check(None, END.plus_seconds(20)).unwrap();
        for (n, asset) in all.iter().enumerate() {
            let proof = certificate.prove(n).unwrap();
            assert_eq!(proof.verify(&certificate.root).unwrap(), asset);
            let other = AssetProof { asset: EndedAsset { id: "other".into(), ..asset.clone() }, ..proof.clone() };
            assert!(other.verify(&certificate.root).is_err());
            assert!(AssetProof { index: (proof.index + 1) % 7, ..proof.clone() }.verify(&certificate.root).is_err());
            assert!(proof.verify(&root_of(&all[1..]).unwrap()).is_err());
        }
        assert!(certificate.prove(7).is_err());
    }

    #[test]
    fn l1_a_certificate_says_nothing_that_is_not_so() {
        let now = END.plus_seconds(20);
        let good = certificate(vec![asset(1, K::Rows, Action::Destroy), asset(2, K::Model, Action::Destroy)]);
        let with = |change: &dyn Fn(&mut EndingCertificate)| {
            let mut other = good.clone();
            change(&mut other);
            code(other.check(None, now))
        };
        assert_eq!(with(&|_| ()), "");
        assert_eq!(with(&|c| drop(c.assets.pop())), "ending.root");
        assert_eq!(with(&|c| c.at = END.plus_seconds(-1)), "ending.early");
        assert_eq!(with(&|c| c.ended = now.plus_seconds(1)), "ending.early");
        assert_eq!(with(&|c| c.part = [2, 1]), "ending.format");
        assert_eq!(with(&|c| c.plan = Some(hash("plan"))), "ending.plan");
        assert_eq!(with(&|c| c.is_held = true), "ending.action");
        let twice = certificate(vec![asset(1, K::Rows, Action::Destroy), asset(1, K::Rows, Action::Destroy)]);
        assert_eq!(code(twice.check(None, now)), "ending.evidence");
        assert_eq!(code(certificate(vec![asset(1, K::Model, Action::Keep)]).check(None, now)), "ending.action");
        assert_eq!(code(certificate(Vec::new()).check(None, now)), "");
        let many = certificate((0..501).map(|n| asset(n, K::Rows, Action::Destroy)).collect());
        assert_eq!(code(many.check(None, now)), "ending.format");
    }

    #[test]
    fn l5_l6_an_open_matter_seals_and_the_plan_says_what_is_kept() {
        let actions: BTreeMap<K, Action> = [
            (K::Rows, Action::Destroy),
            (K::Model, Action::HandOver),
            (K::Result, Action::Keep),
            (K::Product, Action::Keep),
            (K::Program, Action::Keep),
            (K::Document, Action::Keep),
        ]
        .into();
        let sides = ["yu://dev/authority/n1".parse().unwrap(), "yu://dev/bank/n1".parse().unwrap()];
        let plan = DisposalPlan {
            v: 1,
            authorisation: "dev/authority/a1".parse().unwrap(),
            agreement: hash("agreement"),
            sides,
            actions,
            within_days: 30,
        };
        let now = END.plus_seconds(20);
        let check = |assets: Vec<EndedAsset>, is_held| {
            let with = EndingCertificate { plan: Some(hash("plan")), is_held, ..certificate(assets) };
            code(with.check(Some((&plan, hash("plan"))), now))
        };
        assert_eq!(check(vec![asset(1, K::Rows, Action::Destroy), asset(2, K::Model, Action::HandOver)], false), "");
        assert_eq!(check(vec![asset(2, K::Model, Action::Destroy)], false), "ending.action");
        assert_eq!(check(vec![asset(1, K::Rows, Action::Destroy)], true), "ending.action");
        assert_eq!(check(vec![asset(1, K::Rows, Action::Seal), asset(3, K::Result, Action::Keep)], true), "");
        assert_eq!(check(vec![asset(3, K::Result, Action::Destroy)], false), "ending.action");
    }
}
