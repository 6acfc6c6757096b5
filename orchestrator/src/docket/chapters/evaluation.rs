//! Yearly evaluation (年度评估): a scheme before the period ends, answers of those concerned, a scorecard that follows from them, what failing leads to (S7).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::evaluation::scorecard::{Judged, tally};
use yu_governance::evaluation::{Consequence, Group, History, Scheme, Scorecard, Survey, TerminationProposal};
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "evaluation",
    title: ("yearly evaluation", "年度评估"),
    kinds: &[Kind::of::<Scheme>(), Kind::of::<Survey>(), Kind::of::<Scorecard>(), Kind::of::<TerminationProposal>()],
    tell,
    objections: none,
};

/// Answers, each with the group in which it was given.
type Answers = Vec<(Signed<Survey>, Group)>;

/// Schemes, answers and scorecards as the docket makes them.
#[derive(Default)]
pub struct Marks {
    schemes: BTreeMap<Hash, Scheme>,
    since: Option<Time>,
    /// By scheme and by who is judged, with the group in which each answered: who is appointed otherwise later has still answered so.
    surveys: BTreeMap<(Hash, String), Answers>,
    judged: BTreeMap<String, (History, Judged)>,
    proposals: BTreeMap<AuthorisationId, TerminationProposal>,
}

impl Marks {
    /// Whether a scorecard by this scheme is filed.
    fn is_closed(&self, scheme: &Scheme, evaluated: &str) -> bool {
        self.judged.get(evaluated).is_some_and(|(_, last)| last.period.0 >= scheme.period.0)
    }

    fn scheme(&self, hash: &Hash) -> Result<&Scheme> {
        self.schemes.get(hash).ok_or_else(|| refuse("evaluation.scheme-unknown", format!("no scheme {hash} is filed")))
    }
}

/// Who answers as what (ZW 33).
fn groups(law: &Law) -> BTreeMap<PartyName, Group> {
    let roles = [
        (Role::Developer, Group::Merchant),
        (Role::Platform, Group::Operator),
        (Role::Licensee, Group::Operator),
        (Role::County, Group::County),
        (Role::Provider, Group::SourceDepartment),
    ];
    // the last role of somebody who has several counts: who supplies data is asked as that
    roles.into_iter().flat_map(|(role, group)| law.holders(role).into_iter().map(move |party| (party, group))).collect()
}

impl Document for Scheme {
    const KIND: &'static str = "evaluation-scheme";
    const TITLE: (&'static str, &'static str) = ("how a period is evaluated", "评估办法");
    const EXAMPLE: &'static str = include_str!("evaluation/scheme.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let scheme = &signed.payload;
        let hash = Self::verify(signed, std::slice::from_ref(&moment.law.authority), &moment.law.ring).map_err(first)?;
        if moment.at >= scheme.period.1 {
            return Err(refuse("evaluation.scheme", "the period is over: a scheme is set before"));
        }
        let overlaps = |known: &&Self| known.period.0 < scheme.period.1 && scheme.period.0 < known.period.1;
        if book.evaluation.schemes.values().any(|known| overlaps(&known)) {
            return Err(refuse("evaluation.scheme-twice", "another scheme is for the same time"));
        }
        book.evaluation.since.get_or_insert(moment.at);
        book.evaluation.schemes.insert(hash, scheme.clone());
        Ok(())
    }
}

/// What was found, as a fault.
fn first(found: Vec<yu_governance::finding::Finding>) -> crate::fault::Fault {
    all_of(found).err().unwrap_or_else(|| refuse("evaluation.malformed", "it does not hold"))
}

impl Document for Survey {
    const KIND: &'static str = "evaluation-survey";
    const TITLE: (&'static str, &'static str) = ("answer of one who is concerned", "评估问卷");
    const EXAMPLE: &'static str = include_str!("evaluation/survey.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (survey, marks) = (&signed.payload, &mut book.evaluation);
        let scheme = marks.scheme(&survey.scheme)?;
        if marks.is_closed(scheme, &survey.evaluated) {
            return Err(refuse("evaluation.closed", format!("`{}` is evaluated already", survey.evaluated)));
        }
        let groups = groups(moment.law);
        let one = std::slice::from_ref(signed);
        let (_, counted, _) = tally(scheme, &survey.scheme, &survey.evaluated, one, &groups, &moment.law.ring);
        let Some(group) = groups.get(&survey.by).filter(|_| !counted.is_empty()) else {
            let what =
                format!("`{}` is not asked about `{}`, or marks other items than its group is asked about", survey.by, survey.evaluated);
            return Err(refuse("evaluation.survey", what));
        };
        let all = marks.surveys.entry((survey.scheme, survey.evaluated.clone())).or_default();
        if all.iter().any(|(known, _)| known.payload.by.organisation() == survey.by.organisation()) {
            return Err(refuse("evaluation.survey-twice", format!("`{}` has answered already", survey.by.organisation())));
        }
        all.push((signed.clone(), *group));
        Ok(())
    }
}

impl Document for Scorecard {
    const KIND: &'static str = "evaluation-scorecard";
    const TITLE: (&'static str, &'static str) = ("scorecard", "评估评分表");
    const EXAMPLE: &'static str = include_str!("evaluation/scorecard.toml");

    fn signers(&self, book: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.evaluator.clone(), book.evaluation.scheme(&self.scheme)?.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (card, law, marks) = (&signed.payload, moment.law, &mut book.evaluation);
        evaluates(card, law)?;
        if card.at > moment.at.plus_seconds(300) {
            return Err(refuse("evaluation.early", "it is dated ahead"));
        }
        let scheme = marks.scheme(&card.scheme)?;
        let none = Vec::new();
        let answers = marks.surveys.get(&(card.scheme, card.evaluated.clone())).unwrap_or(&none);
        let groups: BTreeMap<PartyName, Group> = answers.iter().map(|(survey, group)| (survey.payload.by.clone(), *group)).collect();
        let surveys: Vec<Signed<Survey>> = answers.iter().map(|(survey, _)| survey.clone()).collect();
        let judged = Self::verify(signed, scheme, &surveys, &groups, &law.ring).map_err(first)?;
        let known = marks.judged.entry(card.evaluated.clone()).or_insert_with(|| (History::new(card.evaluated.clone()), judged.clone()));
        known.0.add(judged.clone()).map_err(first)?;
        if judged.period.0 >= known.1.period.0 {
            known.1 = judged;
        }
        Ok(())
    }
}

/// Who may judge whom: the authority, whoever it has appointed to look, and the first tier its developers.
fn evaluates(card: &Scorecard, law: &Law) -> Result<()> {
    let evaluator = &card.evaluator;
    let looks = *evaluator == law.authority
        || [Role::Regulator, Role::Expert, Role::Checker].iter().any(|role| law.holders(*role).contains(evaluator));
    let holds = |role: Role| law.holders(role).iter().any(|party| party.organisation() == card.evaluated);
    let own_tier = law.holders(Role::Licensee).contains(evaluator) && holds(Role::Developer);
    if !looks && !own_tier {
        return Err(refuse("evaluation.evaluator", format!("`{evaluator}` does not evaluate `{}`", card.evaluated)));
    }
    if ![Role::Licensee, Role::Developer, Role::Platform].into_iter().any(holds) {
        return Err(refuse("evaluation.evaluated", format!("`{}` operates nothing here", card.evaluated)));
    }
    Ok(())
}

impl Document for TerminationProposal {
    const KIND: &'static str = "termination-proposal";
    const TITLE: (&'static str, &'static str) = ("proposal to terminate after failed evaluations", "连续不合格终止授权建议");
    const EXAMPLE: &'static str = include_str!("evaluation/proposal.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.authority.clone(), self.coordination.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (proposal, law, marks) = (&signed.payload, moment.law, &mut book.evaluation);
        if proposal.authority != law.authority || !law.holders(Role::Coordination).contains(&proposal.coordination) {
            return Err(refuse("evaluation.agreed-by", "the authority proposes and the coordination body agrees"));
        }
        let rule = law.rules().fails_to_termination.value;
        let nobody = History::new(proposal.licensee.clone());
        let history = marks.judged.get(&proposal.licensee).map_or(&nobody, |(history, _)| history);
        Self::verify(signed, history, rule, &law.ring).map_err(first)?;
        marks.proposals.insert(proposal.authorisation.clone(), proposal.clone());
        Ok(())
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let marks = &book.evaluation;
    let rule = law.rules().fails_to_termination.value;
    let mut told = Vec::new();
    for (hash, scheme) in &marks.schemes {
        let short: String = hash.to_hex().chars().take(16).collect();
        let answers: usize = marks.surveys.iter().filter(|((of, _), _)| of == hash).map(|(_, all)| all.len()).sum();
        let (from, to) = scheme.period;
        told.push((
            format!("scheme {short}: {from} to {to}, {} items, {answers} answers", scheme.items.len()),
            format!("评估办法 {short}：{from} 至 {to}，{} 项，收到问卷 {answers} 份", scheme.items.len()),
        ));
    }
    for (name, (history, last)) in &marks.judged {
        let passed = if last.passed { ("passed", "合格") } else { ("FAILED", "不合格") };
        let follows = match history.consequence(rule) {
            Consequence::None => (String::new(), String::new()),
            Consequence::Correct { fails } => {
                (format!(": {fails} in a row, correction within a period"), format!("：连续 {fails} 次，限期整改"))
            }
            Consequence::Propose { cards } => {
                let named: Vec<String> = cards.iter().map(ToString::to_string).collect();
                (
                    format!(": {} in a row, propose to terminate by the scorecards {}", cards.len(), named.join(", ")),
                    format!("：连续 {} 次，应提出终止授权建议，评分表 {}", cards.len(), named.join("、")),
                )
            }
        };
        told.push((
            format!("{name}: {} points to {}, {}{}", last.points, last.period.1, passed.0, follows.0),
            format!("{name}：截至 {} 得 {} 分，{}{}", last.period.1, last.points, passed.1, follows.1),
        ));
    }
    if let Some(since) = marks.since {
        let holders = [Role::Licensee, Role::Developer, Role::Platform].into_iter().flat_map(|role| law.holders(role));
        let all: BTreeSet<String> = holders.map(|party| party.organisation().to_owned()).collect();
        for name in all {
            let nothing = History::new(name.clone());
            let history = marks.judged.get(&name).map_or(&nothing, |(history, _)| history);
            if let Some(alarm) = history.overdue(&law.profile, since, now) {
                told.push((format!("ALARM: {name}: {}", alarm.what.en), format!("告警：{name}：{}", alarm.what.zh)));
            }
        }
    }
    for (id, proposal) in &marks.proposals {
        told.push((
            format!("{id} of {}: to be terminated, agreed by {}", proposal.licensee, proposal.coordination),
            format!("{id}（{}）：建议终止授权，{} 已同意", proposal.licensee, proposal.coordination),
        ));
    }
    told
}

#[cfg(test)]
mod tests;
