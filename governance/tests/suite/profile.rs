//! Jurisdiction profiles: the five that ship, their articles and numbers, inheritance, changes, signatures.

use std::collections::BTreeSet;

use proptest::prelude::*;
use yu_governance::calendar::Limit;
use yu_governance::canonical::{from_canonical, to_canonical};
use yu_governance::id::document_hash;
use yu_governance::profile::*;
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use crate::world::{AUTHORITY, STRANGER, Spoil, at, hash, party, ring, sign};

/// Stands for the regulator's node: any other organisation that has a key.
const REGULATOR: &str = STRANGER;

fn stated(which: Shipped) -> Profile {
    which.profile().unwrap()
}

fn effective(which: Shipped) -> Effective {
    which.effective().unwrap()
}

fn rules(which: Shipped) -> Rules {
    effective(which).rules().clone()
}

fn ours<T>(value: T) -> Option<Cited<T>> {
    Some(Cited { value, basis: Basis::Ours { reason: Text::new("test", "测试") } })
}

#[test]
fn d16_the_five_parse_and_hold_together() {
    for which in Shipped::ALL {
        let profile = stated(which);
        assert!(profile.check().is_empty(), "{:?}", profile.check());
        let canonical = to_canonical(&profile).unwrap();
        assert_eq!(from_canonical::<Profile>(&canonical).unwrap(), profile);
        let parent = profile.parent.as_ref().map(|_| effective(Shipped::Zhejiang));
        let whole = Effective::new(profile.clone(), parent.as_ref()).unwrap_or_else(|found| panic!("{which:?}: {found:#?}"));
        assert_eq!(whole.rules().entries().len(), FIELDS.len());
        let draft = matches!(which, Shipped::Zhenjiang | Shipped::Zhongwei);
        assert_eq!(whole.is_in_force(at("2026-11-29T00:00:00Z")), !draft, "{which:?}");
    }
    assert!(!effective(Shipped::Taizhou).is_in_force(at("2025-01-31T15:59:59Z")));
    assert!(effective(Shipped::Taizhou).is_in_force(at("2025-01-31T16:00:00Z")), "midnight in China");
}

#[test]
fn section_10_cities_of_other_provinces_stand_alone() {
    let parents: Vec<_> = Shipped::ALL.iter().map(|which| stated(*which).parent.map(|p| p.to_string())).collect();
    assert_eq!(parents, [None, Some("zhejiang".into()), Some("zhejiang".into()), None, None]);
}

/// The numbers and actors as the texts have them, each with its article.
#[test]
fn the_texts_numbers_are_pinned() {
    let [zj, nb, tz, zz, zw] = Shipped::ALL.map(rules);
    let cites =
        |basis: &Basis, article: &str| matches!(basis, Basis::Rule { articles, .. } if articles.iter().any(|a| a.to_string() == article));
    // A4: three years
    for (rules, article) in [(&zj, "ZJ 四(四)"), (&nb, "NB 16"), (&tz, "TZ 三(九)"), (&zz, "ZZ 8")] {
        assert_eq!(rules.term.value, MaxYears(3));
        assert!(cites(&rules.term.basis, article), "{article}");
        assert_eq!(rules.log_retention.value, MinMonths(6), "L2");
    }
    assert_eq!(zw.term.value, MaxYears(3));
    assert!(matches!(zw.term.basis, Basis::Ours { .. }), "ZW states the validity of the measures, not of an authorisation");
    for (rules, article) in [(&zj, "ZJ 四(五)"), (&nb, "NB 17"), (&tz, "TZ 四(五)")] {
        assert!(cites(&rules.log_retention.basis, article), "{article}");
    }
    // A7: six months free of charge
    assert_eq!((nb.lab_term.value, nb.lab_price.value), (MaxMonths(6), MaxFen(0)));
    assert!(cites(&nb.lab_term.basis, "NB 12") && cites(&nb.lab_price.basis, "NB 12"));
    // A4: three months (ZZ), early (TZ)
    assert_eq!(zz.renewal.value, Renewal::WithinMonths(3));
    assert_eq!(tz.renewal.value, Renewal::AnyTime);
    // C1 to C4
    assert_eq!((zw.registration_limit.value, zw.registration_start.value), (Limit::WorkingDays(5), StartEvent::Acceptance));
    assert!(cites(&zw.registration_limit.basis, "ZW 18") && cites(&zw.registration_start.basis, "ZW 18"));
    assert_eq!((zw.check_limit.value, zw.approval_limit.value), (Limit::WorkingDays(5), Limit::WorkingDays(10)));
    assert!(cites(&zw.check_limit.basis, "ZW 20") && cites(&zw.approval_limit.basis, "ZW 21"));
    for start in [&zw.check_start.basis, &zw.approval_start.basis] {
        assert!(matches!(start, Basis::Ours { .. }), "section 10.9: the text names no start");
    }
    // section 10.1 to 10.6
    assert_eq!(zj.plan_owners.value.0.iter().next(), Some(&Actor::Authority));
    let one = |actor| BTreeSet::from([actor]);
    assert_eq!((&nb.plan_owners.value.0, &tz.plan_owners.value.0), (&one(Actor::Licensee), &one(Actor::Licensee)));
    assert_eq!(zz.plan_owners.value.0, BTreeSet::from([Actor::FirstLevel, Actor::Developer]));
    assert_eq!(zw.plan_owners.value.0, one(Actor::Platform));
    let approvers = [&zj, &nb, &tz, &zz, &zw].map(|r| (r.product_approver.value, r.import_approver.value, r.product_filing.value));
    let authority = (Approver::Authority, Approver::Authority, Gate::NotRequired);
    assert_eq!(approvers[..3], [authority; 3]);
    assert_eq!(approvers[3], (Approver::FirstLevel, Approver::FirstLevel, Gate::NotRequired));
    assert_eq!(approvers[4], (Approver::Platform, Approver::PlatformRules, Gate::Required));
    let deemed = [&zj, &nb, &tz, &zz, &zw].map(|r| r.deemed_consent.value == DeemedConsent::On);
    assert_eq!(deemed, [false, false, false, false, true]);
    assert!(cites(&zw.deemed_consent.basis, "ZW 21"));
    for (rules, kinds, undecided) in [(&zj, 6, 0), (&nb, 6, 0), (&tz, 6, 0), (&zz, 4, 2), (&zw, 4, 2)] {
        let value = &rules.product_kinds.value;
        assert_eq!((value.allowed.len(), value.undecided.len()), (kinds, undecided));
    }
    // the rest, one line each
    assert_eq!(tz.fails_to_termination.value, Fails::After(3), "TZ 五(四)");
    assert_eq!((zj.incident_free.value, zj.incident_measure.value), (MinYears(3), IncidentMeasure::Any), "ZJ 三(二)4");
    assert_eq!((zz.incident_free.value, zz.incident_measure.value), (MinYears(3), IncidentMeasure::PubliclyReported), "ZZ 9(四)");
    assert_eq!((zj.mlps_level.value, zw.mlps_level.value), (MinLevel(3), MinLevel(3)));
    assert_eq!((zj.sensitive_columns.value, zz.sensitive_columns.value), (Protection::DesensitisedOrConsent, Protection::Consent), "A16");
    assert_eq!((nb.subject_data.value, tz.subject_data.value), (SubjectData::Consent, SubjectData::AsSensitive), "NB 21");
    assert_eq!((nb.exchange_trade.value, zz.exchange_trade.value), (Gate::NotRequired, Gate::Required), "O8");
    assert_eq!([&zj, &nb, &tz, &zz, &zw].map(|r| r.stamp.value == Gate::Required), [true, true, true, false, false], "A24");
    assert_eq!(nb.dossier.value.0.len(), zj.dossier.value.0.len() + 1, "NB 13(五)");
    assert_eq!(nb.review_sections.value.0.len(), 4, "NB 14");
    assert_eq!(zw.request_items.value.0.len(), 5, "ZW 20");
    assert_eq!(zz.outside_parties.value, Exception::Never, "ZZ 16");
    assert_eq!((nb.fee_basis.value, zw.fee_basis.value), (FeeBasis::Cost, FeeBasis::CostAndSmallMargin), "D13");
    assert_eq!(zz.incident_chain.value.0, [Actor::Developer, Actor::FirstLevel, Actor::Authority], "S3");
}

#[test]
fn a9_the_order_of_the_stages_is_the_texts() {
    let place = |which: Shipped, stage: Stage| rules(which).stages.value.0.iter().position(|s| *s == stage);
    // TZ 三(六)-(八): publish, file, sign; NB 15: sign, publish, file
    let tz = [Stage::Publication, Stage::Filing, Stage::Agreement].map(|s| place(Shipped::Taizhou, s));
    let nb = [Stage::Agreement, Stage::Publication, Stage::Filing].map(|s| place(Shipped::Ningbo, s));
    assert!(tz.is_sorted() && nb.is_sorted() && tz[0].is_some() && nb[0].is_some());
    assert!(rules(Shipped::Taizhou).register_moments.value.0.contains(&RegisterMoment::Proposed));
}

#[test]
fn a9_l1_o2_whoever_the_texts_name_signs() {
    use yu_governance::workflow::authorisation::{Case, Cause, Event};
    use yu_governance::workflow::{Machine as _, Role};
    let signs = |which: Shipped, event: Event| -> Vec<Role> {
        Case::begin().needs(&event, &rules(which).authorisation()).iter().map(|need| need.any[0]).collect()
    };
    for (which, decide, end) in [
        (Shipped::Zhejiang, &[Role::Government][..], &[Role::Authority][..]),
        (Shipped::Ningbo, &[Role::Coordination, Role::Government], &[Role::Authority, Role::Coordination]),
        (Shipped::Taizhou, &[Role::Coordination, Role::Government], &[Role::Authority, Role::Coordination]),
        (Shipped::Zhenjiang, &[Role::Government], &[Role::Authority]),
        (Shipped::Zhongwei, &[Role::Government], &[Role::Authority]),
    ] {
        assert_eq!(signs(which, Event::Decide), decide, "{which:?}: who deliberates and who decides, both");
        assert_eq!(signs(which, Event::Terminate { cause: Cause::Breach }), end, "{which:?}");
        let asked = signs(which, Event::Terminate { cause: Cause::AtRequest });
        assert_eq!(asked, [end, &[Role::Licensee]].concat(), "{which:?}: nobody else asks in its name");
    }
    let joint = rules(Shipped::Zhenjiang).product();
    assert!([Role::Authority, Role::Sector].iter().all(|role| joint.decided_by.contains(role) || joint.sensitive_by.contains(role)));
    assert!(rules(Shipped::Zhongwei).product().sensitive_by.is_empty());
}

#[test]
fn a_city_may_only_tighten() {
    let parent = effective(Shipped::Zhejiang);
    let loosenings: [Spoil<Stated>; 16] = [
        ("term", |r| r.term = ours(MaxYears(4))),
        ("log_retention", |r| r.log_retention = ours(MinMonths(5))),
        ("lab_term", |r| r.lab_term = ours(MaxMonths(7))),
        ("drill_interval", |r| r.drill_interval = ours(MaxDays(365))),
        ("deemed_consent", |r| {
            r.deemed_consent = ours(DeemedConsent::On);
            r.approval_start = ours(StartEvent::Delivery);
        }),
        ("product_approver", |r| r.product_approver = ours(Approver::FirstLevel)),
        ("import_approver", |r| r.import_approver = ours(Approver::PlatformRules)),
        ("dossier", |r| r.dossier = ours(Needs([Document::ApplicationForm].into()))),
        ("stages", |r| r.stages = ours(Sequence(vec![Stage::Decision, Stage::Agreement, Stage::Stamp]))),
        ("raw_export", |r| r.raw_export = ours(RawExport::PublicExempt)),
        ("modes", |r| r.modes = ours(Allows([Mode::PerScenario, Mode::Whole].into()))),
        ("training_data", |r| r.training_data = ours(TrainingData::Unset)),
        ("person_evidence", |r| r.person_evidence = ours(Needs([Evidence::Training].into()))),
        ("correction_access", |r| r.correction_access = ours(CorrectionAccess::WhenOverdue)),
        ("release_signatures", |r| r.release_signatures = ours(MinCount(1))),
        ("leakage", |r| {
            let leakage = rules(Shipped::Zhejiang).leakage.value;
            r.leakage = ours(Leakage { min_rows: 1_000, min_cell: 4, ..leakage });
        }),
    ];
    for (key, loosen) in loosenings {
        let mut city = stated(Shipped::Ningbo);
        loosen(&mut city.rules);
        let found = Effective::new(city, Some(&parent)).unwrap_err();
        let loosened: Vec<_> = found.iter().filter(|f| f.code == "profile.loosens").collect();
        assert_eq!(loosened.len(), 1, "{key}: {found:#?}");
        assert!(loosened[0].what.en.starts_with(&format!("`{key}`")) && loosened[0].what.en.contains("ours: test"), "{key}");
        assert!(loosened[0].party == "ningbo" && loosened[0].what.zh.contains(key) && loosened[0].what.en.contains("zhejiang"));
    }
    // both articles are named
    let mut city = stated(Shipped::Ningbo);
    city.rules.term.as_mut().unwrap().value = MaxYears(5);
    let found = Effective::new(city, Some(&parent)).unwrap_err();
    assert!(found[0].what.en.contains("5 years") && found[0].what.en.contains("NB 16") && found[0].what.en.contains("ZJ 四(四)"));
}

#[test]
fn what_a_city_leaves_out_is_the_provinces() {
    let (zj, tz) = (rules(Shipped::Zhejiang), rules(Shipped::Taizhou));
    assert!(stated(Shipped::Taizhou).rules.dossier.is_none());
    assert_eq!(tz.dossier, zj.dossier);
    assert_eq!(tz.correction_access, zj.correction_access, "L3: Taizhou's text has none");
    let mut city = stated(Shipped::Taizhou);
    city.rules.term = ours(MaxYears(2));
    let city = Effective::new(city, Some(&effective(Shipped::Zhejiang))).unwrap();
    assert_eq!(city.floors().max_term_years, 2);
    assert_eq!(effective(Shipped::Zhejiang).floors(), yu_governance::policy::Floors::DEFAULT);
}

#[test]
fn profiles_that_do_not_hold_together_are_refused_at_once() {
    let code = |profile: Profile, parent: Option<&Effective>| -> BTreeSet<String> {
        Effective::new(profile, parent).unwrap_err().into_iter().map(|f| f.code).collect()
    };
    let spoil: [Spoil<Profile>; 14] = [
        ("profile.field-missing", |p| p.rules.term = None),
        ("profile.value-void", |p| p.rules.term = ours(MaxYears(0))),
        ("profile.value-void", |p| p.rules.dossier = ours(Needs([].into()))),
        ("profile.basis-missing", |p| {
            p.rules.term = Some(Cited { value: MaxYears(3), basis: Basis::Rule { articles: vec![], reading: None } });
        }),
        ("profile.basis-missing", |p| {
            p.rules.term =
                Some(Cited { value: MaxYears(3), basis: Basis::Rule { articles: vec!["NB 16".parse().unwrap()], reading: None } });
        }),
        ("profile.basis-missing", |p| {
            p.rules.term = Some(Cited { value: MaxYears(3), basis: Basis::Ours { reason: Text::new("because", " ") } });
        }),
        ("profile.version-unknown", |p| p.version = 2),
        ("profile.source-missing", |p| p.sources.clear()),
        ("profile.stages", |p| p.rules.stages = ours(Sequence(vec![Stage::Agreement, Stage::Decision]))),
        ("profile.stamp", |p| p.rules.stamp = ours(Gate::Required)),
        ("profile.no-leaf", |p| p.rules.modes = ours(Allows([Mode::Whole].into()))),
        ("profile.deemed-without-delivery", |p| p.rules.approval_start = ours(StartEvent::Submission)),
        ("profile.deemed-without-extension", |p| p.rules.approval_extensions.as_mut().unwrap().value.0 = 0),
        ("profile.deemed-without-basis", |p| p.rules.deemed_consent = ours(DeemedConsent::On)),
    ];
    for (expected, spoil) in spoil {
        let mut profile = stated(Shipped::Zhongwei);
        spoil(&mut profile);
        let codes = code(profile, None);
        assert!(codes.contains(expected), "{expected}: {codes:?}");
    }
    let both = code(
        {
            let mut profile = stated(Shipped::Zhongwei);
            profile.rules.term = None;
            profile.rules.dossier = None;
            profile.sources.clear();
            profile
        },
        None,
    );
    assert!(both.len() >= 2, "everything at once: {both:?}");
    assert!(code(stated(Shipped::Ningbo), Some(&effective(Shipped::Zhenjiang))).contains("profile.parent"));
    assert!(code(stated(Shipped::Ningbo), None).contains("profile.parent"));
}

#[test]
fn d16_two_signatures_and_an_unbroken_line() {
    let (ring, authority, regulator) = (ring(), party(AUTHORITY), party(REGULATOR));
    let first = stated(Shipped::Zhejiang);
    let both = |profile: &Profile| {
        let mut signed = sign(profile.clone(), AUTHORITY);
        signed.add_signature(REGULATOR, &crate::world::key(REGULATOR)).unwrap();
        signed
    };
    let accepts = |signed: &Signed<Profile>, current: Option<&Profile>| accept(signed, &ring, &authority, &regulator, current).cloned();
    assert_eq!(accepts(&both(&first), None).unwrap(), first);
    for alone in [Signed::unsigned(first.clone()), sign(first.clone(), AUTHORITY), sign(first.clone(), REGULATOR)] {
        assert!(accepts(&alone, None).is_err(), "one signature is none");
    }
    let mut altered = both(&first);
    altered.payload.rules.term = ours(MaxYears(30));
    assert!(accepts(&altered, None).is_err(), "altered after signing");
    assert!(accept(&both(&first), &ring, &authority, &authority, None).unwrap_err().to_string().contains("profile.one-signer"));

    let mut second = first.clone();
    (second.version, second.replaces) = (2, Some(document_hash(&first).unwrap()));
    second.rules.term = ours(MaxYears(2));
    accepts(&both(&second), Some(&first)).unwrap();
    let mut third = second.clone();
    (third.version, third.replaces) = (3, Some(document_hash(&second).unwrap()));
    accepts(&both(&third), Some(&second)).unwrap();
    let mut fork = second.clone();
    fork.replaces = Some(hash("another"));
    let other = stated(Shipped::Zhenjiang);
    for (what, profile, current) in [
        ("rolled back", &first, Some(&second)),
        ("replayed", &second, Some(&second)),
        ("skipped", &third, Some(&first)),
        ("not the first", &second, None),
        ("forked", &fork, Some(&first)),
        ("another jurisdiction", &other, Some(&first)),
    ] {
        let error = accepts(&both(profile), current).unwrap_err().to_string();
        assert!(error.contains("profile.version") || error.contains("profile.other"), "{what}: {error}");
    }
}

#[test]
fn a_change_says_what_it_loosens() {
    let old = effective(Shipped::Zhongwei);
    let change = |edit: fn(&mut Stated)| {
        let mut profile = stated(Shipped::Zhongwei);
        edit(&mut profile.rules);
        diff(&old, &Effective::new(profile, None).unwrap())
    };
    assert!(change(|_| {}).is_empty());
    for (key, effect, edit) in [
        ("term", Effect::Loosens, (|r| r.term = ours(MaxYears(4))) as fn(&mut Stated)),
        ("term", Effect::Tightens, |r| r.term = ours(MaxYears(2))),
        ("term", Effect::Basis, |r| r.term = ours(MaxYears(3))),
        ("plan_owners", Effect::Rearranges, |r| r.plan_owners = ours(Appoints([Actor::Licensee].into()))),
        ("check_limit", Effect::Tightens, |r| r.check_limit = ours(Limit::WorkingDays(3))),
        ("check_limit", Effect::Loosens, |r| r.check_limit = ours(Limit::Days(3))),
        // C4: where silence is consent, a shorter clock takes protection away
        ("approval_limit", Effect::Loosens, |r| r.approval_limit = ours(Limit::WorkingDays(5))),
        ("approval_limit", Effect::Tightens, |r| r.approval_limit = ours(Limit::WorkingDays(15))),
    ] {
        let changes = change(edit);
        assert_eq!(changes.iter().map(|c| (c.key, c.effect)).collect::<Vec<_>>(), [(key, effect)]);
        let sentence = &changes[0].sentence;
        assert!(sentence.en.contains("ours: test") && sentence.zh.contains("自定：测试") && !sentence.is_blank(), "{sentence:?}");
        assert_eq!(sentence.en.starts_with("LOOSENS"), effect == Effect::Loosens);
    }
    let changes = change(|r| {
        r.term = ours(MaxYears(1));
        r.release_signatures = ours(MinCount(1));
    });
    assert_eq!(changes.iter().map(|c| c.effect).collect::<Vec<_>>(), [Effect::Loosens, Effect::Tightens], "loosenings first");
    let mut dated = stated(Shipped::Zhongwei);
    dated.effective_until = Some("2030-01-01".parse().unwrap());
    assert_eq!(diff(&old, &Effective::new(dated, None).unwrap())[0].key, "header");
}

#[test]
fn a_profile_is_shown_as_sentences() {
    let lines = effective(Shipped::Ningbo).show();
    assert_eq!(lines.len(), FIELDS.len() + 1);
    assert!(lines.iter().all(|line| !line.is_blank()));
    let has = |en: &str, zh: &str| lines.iter().any(|l| l.en == en && l.zh == zh);
    assert!(lines[0].en.contains("Ningbo City") && lines[0].zh.contains("宁波市") && lines[0].en.contains("under `zhejiang`"));
    assert!(has("Term of the data laboratory: at most 6 months (NB 12).", "数据实验室期限：不超过6个月（NB 12）。"));
    assert!(has(
        "Who approves imported data: authority (ZJ 五(四)3, inherited).",
        "社会数据导入审核者：公共数据主管部门（ZJ 五(四)3，沿用上级）。"
    ));
    let ours = lines.iter().filter(|l| l.en.contains("(ours: ")).count();
    assert!(ours > 5 && ours < FIELDS.len() / 2, "{ours}");
}

/// Every article that a profile cites is in the text, items and points included.
#[test]
fn every_cited_article_exists() {
    let Some(shared) = std::env::var_os("YU_SHARED") else {
        println!("skipped: YU_SHARED does not name the folder of the rule texts");
        return;
    };
    let folder = std::path::Path::new(&shared).join("rules");
    let text = |code: RuleText| {
        let file = match code {
            RuleText::Nb => "000_78d4b3fc0b176334.txt",
            RuleText::Tz => "001_8e4eb70cecb691aa.txt",
            RuleText::Zj => "002_61c79c7d3cb04796.txt",
            RuleText::Zz => "003_84f2ff90128a21b9.txt",
            RuleText::Zw => "004_e5f7488b90df71c0.txt",
        };
        std::fs::read_to_string(folder.join(file)).unwrap()
    };
    let texts = RuleText::ALL.map(|code| (code, text(code)));
    let mut seen = BTreeSet::new();
    for which in Shipped::ALL {
        for entry in stated(which).rules.entries() {
            if let Basis::Rule { articles, .. } = entry.basis {
                seen.extend(articles.iter().cloned());
            }
        }
    }
    assert!(seen.len() > 90, "{}", seen.len());
    for article in &seen {
        let (_, text) = texts.iter().find(|(code, _)| *code == article.text()).unwrap();
        assert!(is_in(article, text), "{article}");
    }
    for missing in ["NB 29", "NB 13(六)", "ZJ 八", "ZJ 四(六)", "ZJ 五(四)4", "TZ 三(十二)", "ZW 37", "ZZ 9(五)"] {
        let article: Article = missing.parse().unwrap();
        let (_, text) = texts.iter().find(|(code, _)| *code == article.text()).unwrap();
        assert!(!is_in(&article, text), "{missing} must not be found");
    }
}

fn is_in(article: &Article, text: &str) -> bool {
    let clean: Vec<String> = text
        .lines()
        .map(|line| line.trim().trim_start_matches(['#', '*', ' ', '-']).replace('（', "(").replace('）', ")").replace('*', ""))
        .collect();
    let chapters = matches!(article.text(), RuleText::Zj | RuleText::Tz);
    let starts = |line: &str| {
        if chapters {
            line.starts_with(&format!("{}、", article.main()))
        } else {
            line.starts_with(&format!("第{}条", chinese(article.main().parse().unwrap())))
        }
    };
    let is_header = |line: &str| {
        if chapters {
            line.split_once('、').is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| "一二三四五六七八九十".contains(c)))
        } else {
            line.strip_prefix('第')
                .and_then(|l| l.split_once('条'))
                .is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| "一二三四五六七八九十".contains(c)))
        }
    };
    let Some(start) = clean.iter().position(|line| starts(line)) else { return false };
    let end = clean[start + 1..].iter().position(|line| is_header(line)).map_or(clean.len(), |n| start + 1 + n);
    let mut part = &clean[start..end];
    if let Some(item) = article.item() {
        let Some(at) = part.iter().position(|line| line.starts_with(&format!("({item})"))) else { return false };
        let next = part[at + 1..].iter().position(|line| line.starts_with('(')).map_or(part.len(), |n| at + 1 + n);
        part = &part[at..next];
    }
    article.point().is_none_or(|point| part.iter().any(|line| line.starts_with(&format!("{point}."))))
}

fn chinese(n: usize) -> String {
    let digit = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    match (n / 10, n % 10) {
        (0, ones) => digit[ones].into(),
        (1, ones) => format!("十{}", digit[ones]),
        (tens, ones) => format!("{}十{}", digit[tens], digit[ones]),
    }
}

fn subset() -> impl Strategy<Value = BTreeSet<Document>> {
    proptest::collection::btree_set(proptest::sample::select(Document::ALL), 0..6)
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        Just(Limit::Unset),
        (1_u32..9).prop_map(Limit::WorkingDays),
        (1_u32..9).prop_map(Limit::Days),
        (1_u32..9).prop_map(Limit::Months)
    ]
}

/// A partial order: reflexive, transitive, antisymmetric (unless it appoints).
fn is_order<T: Value + std::fmt::Debug>(a: &T, b: &T, c: &T) -> Result<(), TestCaseError> {
    prop_assert!(a.is_within(a));
    prop_assert!(!(a.is_within(b) && b.is_within(c)) || a.is_within(c), "{a:?} {b:?} {c:?}");
    prop_assert!(!(a.is_within(b) && b.is_within(a)) || a == b, "{a:?} {b:?}");
    Ok(())
}

proptest! {
    #[test]
    fn orders_are_orders(a in subset(), b in subset(), c in subset(), l in [limit(), limit(), limit()], n in [1_u32..9, 1_u32..9, 1_u32..9]) {
        is_order(&Needs(a.clone()), &Needs(b.clone()), &Needs(c.clone()))?;
        is_order(&Allows(a), &Allows(b), &Allows(c))?;
        is_order(&l[0], &l[1], &l[2])?;
        is_order(&MaxYears(n[0]), &MaxYears(n[1]), &MaxYears(n[2]))?;
        is_order(&MinMonths(n[0]), &MinMonths(n[1]), &MinMonths(n[2]))?;
        is_order(&Fails::After(n[0]), &Fails::Unset, &Fails::After(n[2]))?;
        is_order(&Renewal::WithinMonths(n[0]), &Renewal::AnyTime, &Renewal::WithinMonths(n[2]))?;
    }

    #[test]
    fn arbitrary_bytes_are_no_profile(s in "\\PC{0,80}") {
        prop_assert!(from_canonical::<Profile>(s.as_bytes()).is_err());
    }
}
