//! Algorithms of others (算法包): admitted by hash, signed by their author and the authority, for one scenario (P5).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_fedlearn::external::Program;
use yu_governance::algorithm::{AlgorithmAdmission, AlgorithmKind, AlgorithmWithdrawal, Algorithms, Wanted};
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "algorithms",
    title: ("algorithms of others", "算法准入"),
    kinds: &[Kind::of::<AlgorithmAdmission>(), Kind::of::<AlgorithmWithdrawal>()],
    tell,
    objections,
};

/// Admissions as the docket makes them.
#[derive(Default)]
pub struct Admitted(pub Algorithms);

impl Document for AlgorithmAdmission {
    const KIND: &'static str = "algorithm-admission";
    const TITLE: (&'static str, &'static str) = ("admission of an algorithm", "算法准入");
    const EXAMPLE: &'static str = include_str!("algorithms/admission.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.author.clone(), law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        book.algorithms.0.admit(&signed.payload, &moment.law.authority, moment.at).or_else(all_of)
    }
}

impl Document for AlgorithmWithdrawal {
    const KIND: &'static str = "algorithm-withdrawal";
    const TITLE: (&'static str, &'static str) = ("withdrawal of an algorithm", "算法准入撤回");
    const EXAMPLE: &'static str = include_str!("algorithms/withdrawal.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, _: Moment<'_>) -> Result<()> {
        book.algorithms.0.withdraw(&signed.payload).or_else(all_of)
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let told = book.algorithms.0.all().map(|a| {
        let state = if now < a.not_after { ("admitted", "有效") } else { ("EXPIRED", "已到期") };
        let short: String = a.hash.to_hex().chars().take(16).collect();
        (
            format!("{short} {} of {} for {}: {} until {}", a.name.en, a.author, a.scenario, state.0, a.not_after),
            format!("{short} {}（{}），场景 {}：{}，至 {}", a.name.zh, a.author, a.scenario, state.1, a.not_after),
        )
    });
    told.collect()
}

/// Programs that train and modules of attested environments: each as it was signed and admitted, or not at all.
fn objections(book: &Book, contract: &Contract, _: &Law, now: Time) -> Vec<Finding> {
    let (scenario, purpose) = (&contract.scenario, &contract.purpose);
    let mut found = Vec::new();
    if let Some(trainer) = contract.training().and_then(|terms| terms.trainer.as_ref()) {
        // settings that do not parse are refused by the contract's own check; here they count as run by nothing that was admitted
        let program = serde_json::from_str::<Program>(&trainer.settings).ok();
        let interpreter = program.and_then(|program| program.interpreter).map(|path| path.display().to_string());
        let wanted =
            Wanted { hash: &trainer.program, kind: AlgorithmKind::Program, interpreter: interpreter.as_deref(), scenario, purpose };
        found.extend(book.algorithms.0.against(wanted, now));
    }
    if let Some(enclave) = contract.enclave() {
        let wanted = Wanted { hash: &enclave.module, kind: AlgorithmKind::Module, interpreter: None, scenario, purpose };
        found.extend(book.algorithms.0.against(wanted, now));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use yu_governance::text::Text;

    fn admission() -> AlgorithmAdmission {
        toml::from_str(AlgorithmAdmission::EXAMPLE).unwrap()
    }

    fn code<T>(result: Result<T>) -> String {
        result.err().unwrap().detail.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn p5_an_algorithm_runs_as_author_and_authority_signed_it_and_no_otherwise() {
        let mut court = Court::new("zhejiang");
        let admitted = admission();
        let against = |court: &Court, change: &dyn Fn(&mut Wanted<'_>)| {
            let mut wanted = Wanted {
                hash: &admitted.hash,
                kind: AlgorithmKind::Program,
                interpreter: Some("/usr/bin/python3"),
                scenario: &admitted.scenario,
                purpose: &admitted.purpose,
            };
            change(&mut wanted);
            court.book.algorithms.0.against(wanted, court.at).map(|finding| finding.code)
        };
        assert_eq!(against(&court, &|_| {}).as_deref(), Some("algorithm.unsigned"));
        // one signature of two, or somebody else's, admits nothing
        for by in [&["studio"][..], &["authority"], &["bank", "authority"], &["studio", "bank"], &["studio", "bank", "authority"]] {
            assert_eq!(court.file(admission(), by).unwrap_err().code, crate::fault::Code::Signature, "{by:?}");
        }
        court.file(admission(), &["studio", "authority"]).unwrap();
        assert_eq!(against(&court, &|_| {}), None);
        type Change<'a> = (&'a dyn Fn(&mut Wanted<'_>), &'a str);
        let changes: [Change<'_>; 3] = [
            (&|w| w.kind = AlgorithmKind::Module, "algorithm.run-otherwise"),
            (&|w| w.interpreter = None, "algorithm.run-otherwise"),
            (&|w| w.interpreter = Some("/bin/sh"), "algorithm.run-otherwise"),
        ];
        for (change, code) in changes {
            assert_eq!(against(&court, change).as_deref(), Some(code));
        }
        let (other, scenario, purpose) = (hash("other bytes"), "traffic".parse().unwrap(), "something else".parse().unwrap());
        let right = Wanted {
            hash: &admitted.hash,
            kind: AlgorithmKind::Program,
            interpreter: Some("/usr/bin/python3"),
            scenario: &admitted.scenario,
            purpose: &admitted.purpose,
        };
        let cases = [
            (Wanted { hash: &other, ..right }, "algorithm.unsigned"),
            (Wanted { scenario: &scenario, ..right }, "algorithm.scenario"),
            (Wanted { purpose: &purpose, ..right }, "algorithm.purpose"),
        ];
        for (wanted, code) in cases {
            assert_eq!(court.book.algorithms.0.against(wanted, court.at).unwrap().code, code);
        }
        // the same text again is filed already; an earlier one does not come back
        assert_eq!(court.file(admission(), &["studio", "authority"]).unwrap_err().code, crate::fault::Code::Exists);
        let earlier = AlgorithmAdmission { at: admission().at.plus_seconds(-1), ..admission() };
        assert_eq!(code(court.file(earlier, &["studio", "authority"])), "algorithm.order");
        // taken back by the authority alone, with a reason
        let withdrawal = |reason: Text| AlgorithmWithdrawal { v: 1, hash: admission().hash, reason, at: admission().at };
        assert_eq!(court.file(withdrawal(Text::new("x", "x")), &["studio"]).unwrap_err().code, crate::fault::Code::Signature);
        assert_eq!(code(court.file(withdrawal(Text::new("", "")), &["authority"])), "algorithm.reason");
        court.file(withdrawal(Text::new("it kept rows", "留存数据")), &["authority"]).unwrap();
        assert_eq!(against(&court, &|_| {}).as_deref(), Some("algorithm.unsigned"));
        assert_eq!(code(court.file(withdrawal(Text::new("again", "再次")), &["authority"])), "algorithm.unknown");
    }

    #[test]
    fn p5_admissions_end_and_nobody_admits_its_own() {
        let mut court = Court::new("zhejiang");
        let own = AlgorithmAdmission { author: party("authority"), ..admission() };
        assert_eq!(code(court.file(own, &["authority"])), "algorithm.author");
        let relative = AlgorithmAdmission { interpreter: Some("python3".into()), ..admission() };
        assert_eq!(code(court.file(relative, &["studio", "authority"])), "algorithm.interpreter");
        let long = AlgorithmAdmission { not_after: admission().at.plus_days(4 * 366), ..admission() };
        assert_eq!(code(court.file(long, &["studio", "authority"])), "algorithm.term");
        court.file(admission(), &["studio", "authority"]).unwrap();
        court.pass_days(366);
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("EXPIRED"));
        let wanted = Wanted {
            hash: &admission().hash,
            kind: AlgorithmKind::Program,
            interpreter: Some("/usr/bin/python3"),
            scenario: &admission().scenario,
            purpose: &admission().purpose,
        };
        assert_eq!(court.book.algorithms.0.against(wanted, court.at).unwrap().code, "algorithm.expired");
    }
}
