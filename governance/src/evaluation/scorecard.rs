//! One evaluation: points by the items of a scheme that was signed before, surveys among those concerned, pass or fail.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::word::words;

words! {
    /// Whose view counts (ZW 33).
    Group {
        SourceDepartment = "source-department", "数源部门", "Departments that supply data.";
        County = "county", "各县（区）公共数据主管部门", "Authorities of counties.";
        Operator = "operator", "运营机构", "The operator itself.";
        Merchant = "merchant", "数据商", "Developers and merchants of data.";
    }
}

/// Fewest answers of which a mean is taken: of two, each could compute the other's. Our number; those who answer are
/// organisations, so it is lower than that for people.
pub const LEAST_ANSWERS: usize = 3;

/// One thing that is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What.
    pub name: Text,
    /// Most points.
    pub most: u32,
    /// The group whose mean decides on the points; absent if the evaluator does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_survey: Option<Group>,
}

/// How a period is judged, signed by the authority before it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Format version, 1.
    pub v: u32,
    /// Who sets it and signs.
    pub authority: PartyName,
    /// First second of the period, and the first one behind it.
    pub period: (Time, Time),
    /// What is judged, by a short key.
    pub items: BTreeMap<String, Item>,
    /// Points from which on it is passed (合格).
    pub pass: u32,
    /// When it was set.
    pub at: Time,
}

impl SignedType for Scheme {
    const TYPE: &'static str = "evaluation-scheme-v1";
}

impl Scheme {
    /// Checks signature and content; gives its hash.
    ///
    /// # Errors
    /// `evaluation.signature`, `evaluation.scheme`.
    pub fn verify(signed: &Signed<Self>, authorities: &[PartyName], keys: &KeyRing) -> Checked<Hash> {
        let authority = &signed.payload.authority;
        let scheme = signed.verify(keys, &[authority.as_str()]).map_err(|error| broken("evaluation.signature", authority, &error))?;
        let most = scheme.items.values().try_fold(0_u32, |sum, item| sum.checked_add(item.most));
        let sound = scheme.v == 1
            && authorities.contains(authority)
            && scheme.period.0 < scheme.period.1
            && scheme.at < scheme.period.1
            && scheme.items.values().all(|item| item.most > 0 && !item.name.is_blank())
            && most.is_some_and(|most| (1..=most).contains(&scheme.pass));
        if !sound {
            let what = (
                "it is not the authority's, was set after its period, or its points and pass mark contradict each other",
                "非主管部门制定、晚于评估期制定，或分值与合格线矛盾",
            );
            return refuse("evaluation.scheme", authority, what, ("set the scheme before the period ends", "在评估期内制定办法"));
        }
        document_hash(scheme).map_err(|error| broken("evaluation.scheme", authority, &error))
    }
}

/// One answer of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the scheme.
    pub scheme: Hash,
    /// The organisation that is judged.
    pub evaluated: String,
    /// Who answers and signs.
    pub by: PartyName,
    /// 0 to 100 for each item that its group is asked about.
    pub marks: BTreeMap<String, u32>,
}

impl SignedType for Survey {
    const TYPE: &'static str = "evaluation-survey-v1";
}

/// Points for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    /// Points.
    pub points: u32,
    /// Why.
    pub remark: Text,
}

/// The evaluation, signed by the authority and by whoever carried it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the scheme.
    pub scheme: Hash,
    /// The organisation that is judged.
    pub evaluated: String,
    /// Who judged and signs: the authority, a third party that it appointed, or the first-level operator for its developers.
    pub evaluator: PartyName,
    /// Points by item.
    pub items: BTreeMap<String, Marked>,
    /// Hashes of the surveys that went in: all that came in time.
    pub surveys: BTreeSet<Hash>,
    /// When.
    pub at: Time,
}

impl SignedType for Scorecard {
    const TYPE: &'static str = "evaluation-scorecard-v1";
}

/// Means of the surveys, rounded to the nearest point, halves up; nothing where too few answered.
type Means = BTreeMap<String, Option<u32>>;

/// A scorecard that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Hash of the scorecard.
    pub card: Hash,
    /// Who was judged.
    pub evaluated: String,
    /// The period.
    pub period: (Time, Time),
    /// All points.
    pub points: u32,
    /// Whether it is passed.
    pub passed: bool,
}

impl Scorecard {
    /// Checks a scorecard with its scheme and all surveys that came in; `groups` says who may answer as what.
    ///
    /// # Errors
    /// All at once: `evaluation.signature`, `evaluation.scheme-other`, `evaluation.self` for one who judges its own organisation,
    /// `evaluation.early` before the period ended, `evaluation.items` naming items without points, above their most, or
    /// unknown, `evaluation.survey` for an answer that is forged, repeated, out of its group, left out or made up,
    /// `evaluation.mean` for points that do not follow from the surveys.
    pub fn verify(
        signed: &Signed<Self>,
        scheme: &Scheme,
        surveys: &[Signed<Survey>],
        groups: &BTreeMap<PartyName, Group>,
        keys: &KeyRing,
    ) -> Checked<Judged> {
        let evaluator = &signed.payload.evaluator;
        let card = signed
            .verify(keys, &[evaluator.as_str(), scheme.authority.as_str()])
            .map_err(|error| broken("evaluation.signature", evaluator, &error))?;
        let hash = document_hash(scheme).map_err(|error| broken("evaluation.scheme", evaluator, &error))?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String)| {
            found.push(Finding::new(code, evaluator, what, ("draw the scorecard again", "重新出具评分表")));
        };
        if card.v != 1 || card.scheme != hash {
            add("evaluation.scheme-other", ("it was judged by another scheme".into(), "所依评估办法不符".into()));
        }
        if evaluator.organisation() == card.evaluated {
            add("evaluation.self", (format!("`{}` judges itself", card.evaluated), format!("`{}` 自行评估", card.evaluated)));
        }
        if card.at < scheme.period.1 {
            let what = (format!("the period ends at {}", scheme.period.1), format!("评估期至 {} 结束", scheme.period.1));
            add("evaluation.early", what);
        }
        let wrong = |(key, item): (&String, &Item)| {
            card.items.get(key).is_none_or(|marked| marked.points > item.most || marked.remark.is_blank()).then(|| key.clone())
        };
        let unknown = card.items.keys().filter(|key| !scheme.items.contains_key(*key)).cloned();
        let wrong: Vec<String> = scheme.items.iter().filter_map(wrong).chain(unknown).collect();
        if !wrong.is_empty() {
            let what = (
                format!("points or remarks are missing, too many, or for unknown items: {}", wrong.join(", ")),
                format!("下列项目缺少评分或说明、超出分值或不在办法内：{}", wrong.join("、")),
            );
            add("evaluation.items", what);
        }
        let (means, answered, bad) = tally(scheme, &hash, &card.evaluated, surveys, groups, keys);
        if !bad.is_empty() || answered != card.surveys {
            let names: Vec<String> = bad.iter().map(ToString::to_string).collect();
            let what = (
                format!("answers are forged, repeated, out of place, left out or made up; refused: [{}]", names.join(", ")),
                format!("问卷有伪造、重复、越位、遗漏或虚构；不予采纳：[{}]", names.join("、")),
            );
            add("evaluation.survey", what);
        }
        for (key, mean) in &means {
            let most = scheme.items.get(key).map_or(0, |item| item.most);
            let points = card.items.get(key).map(|marked| marked.points);
            let expected = mean.map(|mean| nearest(u64::from(mean) * u64::from(most), 100));
            if points.is_some() && expected.is_some() && expected != points {
                let what = (format!("the points for `{key}` do not follow from the surveys"), format!("`{key}` 的评分与问卷不符"));
                add("evaluation.mean", what);
            }
        }
        let points = card.items.values().fold(0_u32, |sum, marked| sum.saturating_add(marked.points));
        let card_hash = document_hash(card).map_err(|error| broken("evaluation.items", evaluator, &error))?;
        let judged =
            Judged { card: card_hash, evaluated: card.evaluated.clone(), period: scheme.period, points, passed: points >= scheme.pass };
        unless(found, judged)
    }
}

/// Means by item, the surveys that count, and the senders of those that do not.
#[must_use]
pub fn tally(
    scheme: &Scheme,
    hash: &Hash,
    evaluated: &str,
    surveys: &[Signed<Survey>],
    groups: &BTreeMap<PartyName, Group>,
    keys: &KeyRing,
) -> (Means, BTreeSet<Hash>, Vec<PartyName>) {
    let (mut counted, mut bad) = (BTreeSet::new(), Vec::new());
    let mut marks: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let mut organisations = BTreeSet::new();
    for signed in surveys {
        let by = &signed.payload.by;
        let asked = |group: &Group| scheme.items.iter().filter(|(_, item)| item.by_survey == Some(*group)).map(|(key, _)| key).collect();
        let keys_asked: Option<BTreeSet<&String>> = groups.get(by).map(asked);
        let survey = signed.verify(keys, &[by.as_str()]).ok().filter(|survey| {
            survey.v == 1
                && survey.scheme == *hash
                && survey.evaluated == evaluated
                // the operator's own view is asked for by ZW 33; nobody else speaks for himself
                && (by.organisation() != evaluated || groups.get(by) == Some(&Group::Operator))
                && keys_asked.as_ref() == Some(&survey.marks.keys().collect())
                && survey.marks.values().all(|mark| *mark <= 100)
        });
        let hash = survey.and_then(|survey| document_hash(survey).ok());
        match (survey, hash) {
            // one organisation, one voice, however many nodes it has
            (Some(survey), Some(hash)) if organisations.insert(by.organisation()) => {
                counted.insert(hash);
                survey.marks.iter().for_each(|(key, mark)| marks.entry(key.as_str()).or_default().push(*mark));
            }
            _ => bad.push(by.clone()),
        }
    }
    let mean = |key: &String| {
        let marks = marks.get(key.as_str()).filter(|marks| marks.len() >= LEAST_ANSWERS)?;
        Some(nearest(marks.iter().map(|mark| u64::from(*mark)).sum(), marks.len() as u64))
    };
    let surveyed = scheme.items.iter().filter(|(_, item)| item.by_survey.is_some());
    (surveyed.map(|(key, _)| (key.clone(), mean(key))).collect(), counted, bad)
}

/// The nearest whole number, halves up.
fn nearest(sum: u64, count: u64) -> u32 {
    let twice = sum.saturating_mul(2).saturating_add(count);
    u32::try_from(twice / count.saturating_mul(2).max(1)).unwrap_or(u32::MAX)
}
