//! Every layout ever persisted is kept in `golden/` and has to be read for ever: what is put there as it stands is read as it was meant, and
//! what is written now is the same item. A new layout adds a file; none is ever changed.

use crate::{rows::id, world::World};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamo_repository::{Expect, Head, PageRequest, Repository, Row, Write};
use headwater_dynamo_schema::{DynamoRepository, Entity};
use headwater_kernel::{Id, Personal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

const PROJECTION: &str = "people";
const GENERATION: u32 = 3;

/// A row with every kind of attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DynamoRepository)]
#[dynamo(
    table = "crm",
    pk = "TENANT#{tenant_id}",
    sk = "TEAM#{team_id}#PERSON#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "JOINED#{joined_at}#{id}",
    gsi2_pk = "TENANT#{tenant_id}#MANAGER#{manager_id}",
    gsi2_sk = "PERSON#{id}"
)]
struct Person {
    id: Id,
    team_id: Id,
    owner_id: Option<Id>,
    manager_id: Option<Id>,
    name: Personal<String>,
    email: Personal<String>,
    joined_at: Timestamp,
    rank: u64,
    share: f64,
    active: bool,
    tags: Vec<Value>,
}

fn grace() -> Person {
    Person {
        id: id("p/1"),
        team_id: id("t#1"),
        owner_id: Some(id("ada%")),
        manager_id: None,
        name: Personal::about(&id("p/1"), "Grace".to_owned()),
        email: Personal::Erased,
        joined_at: Timestamp::from_nanos(1_795_000_000_000_000_005),
        rank: u64::MAX,
        share: 2.13,
        active: true,
        tags: vec![json!("a"), json!(-1), json!(null)],
    }
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(digits)) => AttributeValue::N(digits.clone()),
        ("BOOL", Value::Bool(flag)) => AttributeValue::Bool(*flag),
        ("NULL", Value::Bool(flag)) => AttributeValue::Null(*flag),
        ("L", Value::Array(items)) => AttributeValue::L(items.iter().map(attribute).collect()),
        ("M", Value::Object(members)) => {
            AttributeValue::M(members.iter().map(|(name, it)| (name.clone(), attribute(it))).collect())
        }
        other => panic!("{other:?} is no attribute"),
    }
}

fn golden(text: &str) -> Item {
    let all: HashMap<String, Value> = serde_json::from_str(text).unwrap();
    all.iter()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

impl World {
    fn people(&self) -> Repository {
        let database = self.databases.rebuildable.clone();
        Repository::new(database, PROJECTION, self.generations.clone(), crate::world::secret())
    }

    async fn put(&self, item: Item) {
        let database = &self.databases.rebuildable;
        let put = database.client().put_item().table_name(database.table("crm"));
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// What the table has under the key of `item`.
    async fn stored(&self, item: &Item) -> Option<Item> {
        let database = &self.databases.rebuildable;
        let get = database.client().get_item().table_name(database.table("crm"));
        let answer = get.key("PK", item["PK"].clone()).key("SK", item["SK"].clone());
        answer.send().await.unwrap().item
    }
}

#[tokio::test]
async fn rows_of_layout_1_are_read_as_ever() {
    let world = World::new().await;
    world.put(golden(include_str!("../../golden/row-v1.json"))).await;
    let people = world.people().at_generation(GENERATION);
    let expected = Row {
        entity: grace(),
        version: 7,
    };
    let found = people.find(&world.acme, &grace().row_key()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&expected));
    let page = PageRequest {
        limit: 10,
        cursor: None,
    };
    let owned = Person::by_owner_id(&id("ada%"));
    let owned = people.query::<Person>(&world.acme, &owned, &page).await.unwrap();
    assert_eq!(owned.items, [expected]);
    assert_eq!(
        world
            .people()
            .find::<Person>(&world.acme, &grace().row_key())
            .await
            .unwrap(),
        None,
        "another generation has other keys"
    );
}

#[tokio::test]
async fn rows_are_written_in_layout_1() {
    let world = World::new().await;
    let golden = golden(include_str!("../../golden/row-v1.json"));
    let people = world.people().at_generation(GENERATION);
    people.save(&world.acme, &grace(), 7, Expect::New).await.unwrap();
    assert_eq!(world.stored(&golden).await, Some(golden));
}

#[tokio::test]
async fn heads_of_layout_1_are_read_and_written_as_ever() {
    let world = World::new().await;
    let golden = golden(include_str!("../../golden/head-v1.json"));
    let people = world.people().at_generation(GENERATION);
    let head = Head {
        version: 7,
        state: json!({ "name": grace().name, "opportunities": ["o#1"] }),
    };
    let write = Write::Head {
        table: "crm",
        aggregate: "people",
        id: id("p/1"),
        head: head.clone(),
        expect: Expect::New,
    };
    people.write_together(&world.acme, vec![write]).await.unwrap();
    assert_eq!(world.stored(&golden).await.as_ref(), Some(&golden));

    let older = World::new().await;
    older.put(golden).await;
    let people = older.people().at_generation(GENERATION);
    let read = people.head(&older.acme, "crm", "people", &id("p/1")).await.unwrap();
    assert_eq!(read, Some(head));
}

#[tokio::test]
async fn unfinished_steps_of_layout_1_are_read_as_ever() {
    let world = World::new().await;
    world
        .put(golden(include_str!("../../golden/head-unfinished-v1.json")))
        .await;
    let people = world.people().at_generation(GENERATION);
    let read = people.stored_head(&world.acme, "crm", "people", &id("p/1")).await;
    let read = read.unwrap().unwrap();
    assert_eq!(read.head.version, 7);
    let keys = read.unfinished.iter().flat_map(|unfinished| unfinished.keys());
    let sorts: Vec<_> = keys.map(|key| (key.partition, key.sort)).collect();
    let expected = ["TEAM#t#PERSON#a", "TEAM#t#PERSON#b"].map(|sort| (String::new(), sort.to_owned()));
    assert_eq!(sorts, expected);
}

#[tokio::test]
async fn live_generations_of_layout_1_are_read_and_written_as_ever() {
    let world = World::new().await;
    let golden = golden(include_str!("../../golden/generation-v1.json"));
    world.switch(&world.generations, PROJECTION, GENERATION).await;
    assert_eq!(world.stored(&golden).await.as_ref(), Some(&golden));

    let older = World::new().await;
    older.put(golden).await;
    let live = older.generations.live(&older.acme, "crm", PROJECTION).await.unwrap();
    assert_eq!(live, GENERATION);
}
