//! O6: five items, each filled, each answered, or nothing leaves; a refusal names the item.

use std::collections::BTreeSet;

use yu_governance::held::{Checked, Held};
use yu_governance::id::{PartyName, Purpose};
use yu_governance::lineage::{Builder, Direction, Kind, NodeId};
use yu_governance::release::{Decider, ReviewVerdict, Reviewed};
use yu_governance::sheet::{Answer, By, Item, Line, Outcome, answers, item_of};
use yu_governance::text::Text;
use yu_governance::workflow::Word as _;

use super::review::{self, checked, outcome, ready, refusal};
use super::world::{AUTHORITY, HEALTH, World, ring, sign};

const CLERK: &str = "clerk";

fn clerk() -> Decider {
    Decider::Person { name: CLERK.into() }
}

fn lines(world: &World, held: &Held<Checked<review::Outcome>>) -> Vec<Line> {
    let mut builder = Builder::new(ring(), BTreeSet::new());
    builder.contract(&world.admitted());
    let job = NodeId::new(Kind::Job, world.contract.id().unwrap().0);
    let trace = builder.build().unwrap().trace(job, Direction::Backward).unwrap();
    held.sheet(&world.dossier(), Some(&trace))
}

fn outcomes(lines: &[Line]) -> Vec<(Item, Outcome)> {
    assert!(lines.iter().all(|line| !line.known.is_blank()), "{lines:?}");
    lines.iter().map(|line| (line.item, line.outcome)).collect()
}

#[test]
fn o6_the_five_items_are_filled_from_contract_lineage_and_checks() {
    use Outcome::{Fail, NeedsPerson, Pass};
    let world = World::new();
    let filled = lines(&world, &ready(&world));
    let expected = [
        (Item::Purpose, NeedsPerson),
        (Item::Sources, Pass),
        (Item::RawExposure, Pass),
        (Item::Leak, Pass),
        (Item::OtherRisk, NeedsPerson),
    ];
    assert_eq!(outcomes(&filled), expected);
    assert!(filled[1].known.en.contains(HEALTH) && filled[1].known.zh.contains(HEALTH), "the sources are stated");
    // without records a person says where the data come from
    assert_eq!(outcomes(&ready(&world).sheet(&world.dossier(), None))[1].1, NeedsPerson);
    // an entry of another version proves nothing
    let mut dossier = world.dossier();
    dossier.catalogue.pop();
    assert_eq!(outcomes(&ready(&world).sheet(&dossier, None))[1].1, Fail);
    dossier.authorisation = None;
    assert_eq!(outcomes(&ready(&world).sheet(&dossier, None))[0].1, Fail);
    // whoever examined nothing exposes rows
    let silent = lines(&world, &checked(&world, outcome(), &[]));
    assert_eq!(outcomes(&silent)[2].1, Fail);
    assert!(silent[2].known.en.contains("inputs.attested") && silent[2].known.zh.contains("inputs.attested"));
    let mut other = World::new();
    other.contract.purpose = Purpose::new("something-else").unwrap();
    assert_eq!(outcomes(&lines(&other, &ready(&other)))[0].1, Fail, "another purpose than the authorised one");
}

#[test]
fn o6_every_check_belongs_to_an_item() {
    let of: BTreeSet<Item> = yu_governance::check::CODES.iter().map(|code| item_of(code)).collect();
    assert!(of.contains(&Item::RawExposure) && of.contains(&Item::Leak) && of.contains(&Item::Purpose));
    assert_eq!(Item::all().len(), 5);
}

#[test]
fn o6_nothing_leaves_before_all_five_are_answered() {
    let world = World::new();
    let judged: BTreeSet<Item> = [Item::Purpose, Item::OtherRisk].into();
    let decide = |decider: Decider, answers: Vec<Answer>| {
        let held = ready(&world);
        let decision = sign(held.draft(decider, ReviewVerdict::Approved, answers, world.now), AUTHORITY);
        held.decide(&decision, &world.keys)
    };
    let whole = answers(&lines(&world, &ready(&world)), &judged, true, By::Person);
    assert_eq!(whole.len(), 5);
    assert!(matches!(decide(clerk(), whole.clone()).unwrap(), Reviewed::Released(_)));
    // each item alone left out, failed, or said twice
    for place in 0..whole.len() {
        let name = whole[place].item.as_str();
        let mut less = whole.clone();
        less.remove(place);
        let message = refusal(decide(clerk(), less));
        assert!(message.contains("review.item-unanswered") && message.contains(name), "{message}");
        let mut failed = whole.clone();
        failed[place].holds = false;
        let message = refusal(decide(clerk(), failed));
        assert!(message.contains("review.item-failed") && message.contains(name), "{message}");
        let mut twice = whole.clone();
        twice.push(whole[place]);
        assert!(refusal(decide(clerk(), twice)).contains("review.item-unanswered"));
    }
    // no rule judges what only a person can; a person's node does not pass a program off as one, nor the reverse
    let by = |by| {
        let mut all = whole.clone();
        all[0].by = by;
        all
    };
    assert!(refusal(decide(clerk(), by(By::Checks))).contains("review.item-by"));
    assert!(refusal(decide(clerk(), by(By::Program))).contains("review.item-by"));
    assert!(refusal(decide(Decider::Demo, whole.clone())).contains("review.item-by"));
    let shown = answers(&lines(&world, &ready(&world)), &BTreeSet::new(), true, By::Person);
    assert_eq!(shown.len(), 3, "what needs a person stays open");
}

#[test]
fn o6_a_refusal_names_the_item() {
    let world = World::new();
    let decide = |answers: Vec<Answer>| {
        let held = ready(&world);
        let verdict = ReviewVerdict::Refused { reason: Text::new("beyond the scenario", "超出场景") };
        let decision = sign(held.draft(clerk(), verdict, answers, world.now), AUTHORITY);
        held.decide(&decision, &world.keys)
    };
    assert!(refusal(decide(Vec::new())).contains("review.item-missing"));
    assert!(refusal(decide(vec![Answer { item: Item::Purpose, holds: true, by: By::Person }])).contains("review.item-missing"));
    let named = vec![Answer { item: Item::Purpose, holds: false, by: By::Person }];
    assert!(matches!(decide(named).unwrap(), Reviewed::Refused(_)));
    assert_eq!(PartyName::new(AUTHORITY).unwrap(), world.contract.reviewer.party);
}
