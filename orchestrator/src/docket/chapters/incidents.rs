//! Evidence of incidents (安全事件证据固定): the finder names what must not change; the incident's steps are a procedure, `yu procedure step incident` (S3).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::node::payload_hash;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;
use yu_governance::workflow::evidence::EvidenceManifest;

/// Seconds for which evidence is frozen before its incident's first step: our number, so that nothing is lost in between.
const BEFORE: i64 = 86_400;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "incidents",
    title: ("evidence of incidents", "安全事件证据固定"),
    kinds: &[Kind::of::<EvidenceManifest>()],
    tell,
    objections: none,
};

/// Manifests as the docket makes them, with the moment at which each was filed.
#[derive(Default)]
pub struct Evidence(BTreeMap<Hash, (EvidenceManifest, Time)>);

impl Evidence {
    /// The manifest of this hash.
    #[must_use]
    pub fn get(&self, hash: &Hash) -> Option<&EvidenceManifest> {
        self.0.get(hash).map(|(manifest, _)| manifest)
    }

    /// Manifests whose incident may still be opened.
    pub fn fresh(&self, now: Time) -> impl Iterator<Item = (&Hash, &EvidenceManifest)> {
        self.0.iter().filter(move |(_, (_, filed))| now < filed.plus_seconds(BEFORE)).map(|(hash, (manifest, _))| (hash, manifest))
    }
}

impl Document for EvidenceManifest {
    const KIND: &'static str = "evidence-manifest";
    const TITLE: (&'static str, &'static str) = ("what must not change while an incident is open", "安全事件证据清单");
    const EXAMPLE: &'static str = include_str!("incidents/manifest.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (manifest, law) = (&signed.payload, moment.law);
        let finds = [Role::Developer, Role::Licensee, Role::Platform, Role::Provider, Role::Authority, Role::Regulator];
        if !finds.iter().any(|role| law.holders(*role).contains(&manifest.by)) {
            return Err(refuse("evidence.by", format!("`{}` finds no incidents here", manifest.by)));
        }
        if manifest.at > moment.at.plus_seconds(300) {
            return Err(refuse("evidence.ahead", "it is dated ahead"));
        }
        manifest.check().or_else(all_of)?;
        book.incidents.0.insert(payload_hash(manifest)?, (manifest.clone(), moment.at));
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, _: Time) -> Vec<(String, String)> {
    let all = book.incidents.0.iter().map(|(hash, (manifest, filed))| {
        let EvidenceManifest { incident, by, jobs, datasets, nodes, logs, .. } = manifest;
        let (jobs, datasets, nodes, logs) = (jobs.len(), datasets.len(), nodes.len(), logs.len());
        (
            format!("{incident}: {jobs} jobs, {datasets} data sets, {nodes} nodes, {logs} logs named by {by} at {filed} ({hash})"),
            format!("{incident}：{by} 于 {filed} 列明 {jobs} 个任务、{datasets} 个数据集、{nodes} 个节点、{logs} 份日志（{hash}）"),
        )
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, party};
    use super::*;
    use yu_governance::id::{DatasetId, JobId};
    use yu_governance::text::Text;
    use yu_governance::workflow::evidence::Doomed;

    #[test]
    fn s3_evidence_is_named_by_one_who_may_find_it_and_covers_exactly_that() {
        let mut court = Court::new("zhejiang");
        let manifest: EvidenceManifest = toml::from_str(EvidenceManifest::EXAMPLE).unwrap();
        let code = |result: Result<Hash>| result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned();
        assert_eq!(court.file(manifest.clone(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
        assert_eq!(code(court.file(EvidenceManifest { by: party("expert"), ..manifest.clone() }, &["expert"])), "evidence.by");
        assert_eq!(code(court.file(EvidenceManifest { what: Text::new("", ""), ..manifest.clone() }, &["platform"])), "evidence.malformed");
        assert_eq!(code(court.file(EvidenceManifest { incident: "a b".into(), ..manifest.clone() }, &["platform"])), "evidence.malformed");
        assert_eq!(code(court.file(EvidenceManifest { at: court.at.plus_days(1), ..manifest.clone() }, &["platform"])), "evidence.ahead");
        let filed = court.file(manifest.clone(), &["platform"]).unwrap();
        let kept = court.book.incidents.get(&filed).unwrap();
        let (bank, platform) = (party("bank"), party("platform"));
        let job = *manifest.jobs.first().unwrap();
        assert!(kept.covers(&bank, Doomed::Job(job)) && !kept.covers(&bank, Doomed::Job(JobId(filed))));
        let visits: DatasetId = "dev/health/visits".parse().unwrap();
        assert!(kept.covers(&bank, Doomed::Dataset(&visits)) && !kept.covers(&bank, Doomed::Other));
        assert!(kept.covers(&platform, Doomed::Other) && kept.covers(&platform, Doomed::Job(JobId(filed))), "the whole node");
        assert_eq!(court.book.incidents.fresh(court.at).count(), 1);
        assert_eq!(court.book.incidents.fresh(court.at.plus_days(1)).count(), 0);
        assert!(tell(&court.book, &court.law, court.at)[0].0.starts_with("dev/platform/incident-1: 1 jobs"));
    }
}
