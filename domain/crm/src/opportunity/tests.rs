//! Given what happened to an opportunity, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::testing::given;

fn id(id: &str) -> Id {
    Id::new(id).unwrap()
}

fn opened() -> Event {
    Event::OpportunityOpened {
        account_id: id("A1"),
        name: "Toner".into(),
        amount_cents: None,
        currency: Currency::USD,
    }
}

fn add(item: &str, quantity: u32, price_cents: i64) -> Command {
    Command::AddLineItem {
        line_item_id: id(item),
        product_id: id("P1"),
        quantity,
        price_cents,
    }
}

fn added(item: &str, quantity: u32, price_cents: i64) -> Event {
    Event::LineItemAdded {
        line_item_id: id(item),
        product_id: id("P1"),
        quantity,
        price_cents,
    }
}

#[test]
fn is_opened_once() {
    let open = |name: &str, amount_cents| Command::Open {
        account_id: id("A1"),
        name: name.into(),
        amount_cents,
        currency: Currency::USD,
    };
    given::<Opportunity>([]).when(open("Toner", None)).then([opened()]);
    given::<Opportunity>([opened()])
        .when(open("Toner", None))
        .then_rejected("already-exists", "");
    given::<Opportunity>([opened(), Event::OpportunityWon {}])
        .when(open("Toner", None))
        .then_rejected("already-exists", "");
    given::<Opportunity>([])
        .when(open("", None))
        .then_rejected("blank", "/name");
    given::<Opportunity>([])
        .when(open("Toner", Some(-1)))
        .then_rejected("negative-amount", "/amount_cents");
}

#[test]
fn sums_its_line_items_exactly() {
    let opportunity = given::<Opportunity>([opened(), added("1", 3, 10)])
        .when(add("2", 1, 5))
        .then([added("2", 1, 5)]);
    assert_eq!(
        opportunity.total(),
        Ok(Money {
            cents: 35,
            currency: Currency::USD
        })
    );
    given::<Opportunity>([opened()])
        .when(add("1", 2, i64::MAX))
        .then_rejected("amount-too-large", "/price_cents");
    given::<Opportunity>([opened(), added("1", 1, i64::MAX)])
        .when(add("2", 1, 1))
        .then_rejected("amount-too-large", "/price_cents");
    given::<Opportunity>([opened(), added("1", 1, i64::MAX)])
        .when(add("2", 1, 0))
        .then([added("2", 1, 0)]);
}

#[test]
fn takes_only_line_items_that_make_sense() {
    let one = || [opened(), added("1", 1, 10)];
    given::<Opportunity>(one())
        .when(add("1", 1, 10))
        .then_rejected("duplicate-line-item", "/line_item_id");
    given::<Opportunity>(one())
        .when(add("2", 0, 10))
        .then_rejected("no-quantity", "/quantity");
    given::<Opportunity>(one())
        .when(add("2", 1, -1))
        .then_rejected("negative-amount", "/price_cents");
    given::<Opportunity>([])
        .when(add("1", 1, 1))
        .then_rejected("not-found", "");
    let full = std::iter::once(opened()).chain((0..MAX_LINE_ITEMS).map(|n| added(&n.to_string(), 1, 1)));
    given::<Opportunity>(full)
        .when(add("one more", 1, 1))
        .then_rejected("too-many", "");
}

#[test]
fn a_line_item_is_removed_once() {
    let remove = || Command::RemoveLineItem { line_item_id: id("1") };
    let removed = || Event::LineItemRemoved { line_item_id: id("1") };
    let opportunity = given::<Opportunity>([opened(), added("1", 1, 10)])
        .when(remove())
        .then([removed()]);
    assert_eq!(opportunity.total().unwrap().cents, 0);
    given::<Opportunity>([opened()])
        .when(remove())
        .then_rejected("no-such-line-item", "/line_item_id");
    given::<Opportunity>([opened(), added("1", 1, 1), removed()])
        .when(add("1", 2, 2))
        .then([added("1", 2, 2)]);
}

#[test]
fn its_amount_changes() {
    let change = |amount_cents| Command::ChangeAmount { amount_cents };
    let changed = || Event::OpportunityAmountChanged { amount_cents: 7 };
    given::<Opportunity>([opened()]).when(change(7)).then([changed()]);
    given::<Opportunity>([opened(), changed()]).when(change(7)).then([]);
    given::<Opportunity>([opened()])
        .when(change(-7))
        .then_rejected("negative-amount", "/amount_cents");
}

#[test]
fn won_or_lost_it_takes_no_line_items() {
    let lost = Event::OpportunityLost {
        reason: Some("price".into()),
    };
    given::<Opportunity>([opened()])
        .when(Command::Win {})
        .then([Event::OpportunityWon {}]);
    given::<Opportunity>([opened()])
        .when(Command::Lose {
            reason: Some("price".into()),
        })
        .then([lost.clone()]);
    for end in [Event::OpportunityWon {}, lost] {
        let remove = Command::RemoveLineItem { line_item_id: id("1") };
        for command in [add("2", 1, 1), remove, Command::Win {}, Command::Lose { reason: None }] {
            given::<Opportunity>([opened(), added("1", 1, 1), end.clone()])
                .when(command)
                .then_rejected("opportunity-closed", "");
        }
    }
}

#[test]
fn the_state_survives_a_snapshot() {
    let opportunity = given::<Opportunity>([opened(), added("1", 2, 3)])
        .when(add("2", 1, 1))
        .then([added("2", 1, 1)]);
    let snapshot = serde_json::to_string(&opportunity).unwrap();
    assert_eq!(serde_json::from_str::<Opportunity>(&snapshot).unwrap(), opportunity);
}
