//! What the source engine finds in code, form by form: each call that is marked `// @ operation`, and nothing else.

use headwater_auditor::{site::Site, source_engine};
use std::fs;

const MANIFEST: &str =
    "[package]\nname = \"fixture\"\n[dependencies]\nddb = { package = \"aws-sdk-dynamodb\", version = \"1\" }\n";

fn sites(files: &[(&str, &str)]) -> Vec<Site> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("Cargo.toml"), MANIFEST).expect("written");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }
    source_engine::run(folder.path()).sites
}

/// Each line with a mark has those operations, and no other line has any.
fn check(files: &[(&str, &str)]) {
    let mut expected = Vec::new();
    for (name, text) in files {
        for (at, line) in text.lines().enumerate() {
            for operation in line
                .split_once("// @")
                .into_iter()
                .flat_map(|(_, marks)| marks.split_whitespace())
            {
                expected.push(format!("{name}:{} {operation}", at + 1));
            }
        }
    }
    let mut found: Vec<String> = sites(files)
        .iter()
        .map(|site| format!("{}:{} {}", site.file, site.line, site.operation))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn clients_are_followed_through_names() {
    check(&[
        (
            "src/main.rs",
            "use ddb::Client as Dynamo;
use std::sync::Arc;
mod inner;
type Shared = Arc<Dynamo>;
pub struct App { pub db: Shared, http: reqwest::Client }
struct Wrap(Dynamo);
impl std::ops::Deref for Wrap { type Target = Dynamo; fn deref(&self) -> &Dynamo { &self.0 } }
fn make() -> Option<Dynamo> { None }
impl App {
    async fn work(&self) {
        self.db.get_item(); // @ get_item
        let Self { db, .. } = self;
        db.put_item(); // @ put_item
        let w = Wrap(make().unwrap());
        w.delete_item(); // @ delete_item
        if let Some(c) = make() { c.update_item(); } // @ update_item
        let f = Dynamo::scan; // @ scan
        Dynamo::query(&self.db); // @ query
        <Dynamo>::list_tables(&self.db); // @ list_tables
        <ddb::Client>::list_backups(&self.db); // @ list_backups
        self.http.get(\"x\").query(&[1]).send().await;
    }
}
",
        ),
        (
            "src/inner.rs",
            "use super::{*, Shared};
struct In { c: Shared, all: Vec<ddb::Client>, lazy: std::sync::OnceLock<ddb::Client> }
impl In {
    fn z(&self, (a, b): (&Shared, u8)) {
        self.c.tag_resource(); // @ tag_resource
        for c in &self.all { c.transact_write_items(); } // @ transact_write_items
        a.describe_table(); // @ describe_table
        self.lazy.get().unwrap().describe_limits(); // @ describe_limits
        let g = || self.c.clone();
        g().describe_endpoints(); // @ describe_endpoints
        crate::App::describe(b);
    }
}
",
        ),
    ]);
}

#[test]
fn clients_are_followed_through_traits_generics_and_closures() {
    check(&[(
        "src/lib.rs",
        "use ddb::Client;
pub trait HasDb { fn db(&self) -> &Client; async fn page(&self) {
    self.db().scan(); // @ scan
} }
struct App { c: Client }
impl HasDb for App { fn db(&self) -> &Client { &self.c } }
async fn bound<D: HasDb>(d: &D) { d.db().list_tables(); } // @ list_tables
async fn as_ref(c: impl AsRef<Client>) { c.as_ref().describe_table(); } // @ describe_table
async fn state(axum::State(c): axum::State<std::sync::Arc<App>>) { c.c.create_table(); } // @ create_table
async fn with<R>(c: &Client, f: impl FnOnce(&Client) -> R) -> R { f(c) }
async fn closures(c: &Client) {
    with(c, |x| x.delete_table()).await; // @ delete_table
    Some(c).map(|c| c.query()); // @ query
}
struct Generic<C> { c: C }
impl Generic<Client> { fn of(&self) { self.c.put_item(); } } // @ put_item
fn given(g: Generic<Client>) { g.c.get_item(); } // @ get_item
fn dynamic(d: Box<dyn HasDb>) { d.db().update_item(); } // @ update_item
",
    )]);
}

#[test]
fn macros_are_looked_into() {
    check(&[(
        "src/lib.rs",
        "use ddb::Client;
macro_rules! all {
    ($c:expr, $t:expr) => {
        $c.scan().table_name($t).send().await // @ scan
    };
}
async fn arguments(c: &Client) {
    tokio::select! {
        r = c.delete_item().send() => { c.put_item().send().await; } // @ delete_item put_item
    }
    let (a, b) = tokio::try_join!(c.get_item().send(), c.query().send()).unwrap(); // @ get_item query
    println!(\"{:?}\", c.describe_table().send().await); // @ describe_table
    all!(c, \"x\");
}
",
    )]);
}

#[test]
fn what_only_looks_like_it_is_left() {
    check(&[(
        "src/lib.rs",
        "use ddb::Client;
struct Redis; impl Redis { fn scan(&self) -> Vec<u8> { vec![] } fn query(&self) -> u8 { 0 } }
struct Both { r: Redis, s: aws_sdk_keyspaces::Client }
async fn other(b: Both, v: Vec<u32>, pool: sqlx::Pool, con: redis::Connection) {
    v.iter().scan(0, |a, b| Some(1));
    b.r.scan(); b.r.query();
    b.s.create_table().table_name(\"x\");
    sqlx::query(\"x\").fetch_all(&pool).await;
    con.scan().await;
    url.query();
}
",
    )]);
}

fn one(body: &str) -> Site {
    let text = format!(
        "use ddb::{{Client, operation::query::{{QueryOutput, builders::QueryFluentBuilder}}}};\nconst TABLE: &str = \"orders\";\nstruct S {{ c: Client, last: u8 }}\nimpl S {{\n{body}\n}}\n"
    );
    let mut found = sites(&[("src/lib.rs", &text)]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn requests_are_followed_over_statements_and_functions() {
    let site = one("async fn f(&self) {
        let mut q = self.c.query().table_name(TABLE);
        q = q.filter_expression(\"a\").index_name(\"i\");
        if true { q = q.consistent_read(true); }
        let page = Self::run(q.limit(3)).await;
        if page.last_evaluated_key.is_some() {}
    }
    async fn run(q: QueryFluentBuilder) -> QueryOutput { q.send().await.unwrap() }");
    assert_eq!(site.table.as_deref(), Some("orders"));
    assert_eq!(site.index.as_deref(), Some("i"));
    assert!(site.filter && site.consistent && site.limit);
    assert_eq!(site.paging, Some(headwater_auditor::site::Paging::Cursor));
}

#[test]
fn each_caller_pages_for_itself() {
    let site = one("fn base(&self) -> QueryFluentBuilder { self.c.query() }
    async fn paged(&self) { self.base().into_paginator().send(); }
    async fn not(&self) { let a = self.base().send().await.unwrap().items; }");
    assert_eq!(site.paging, Some(headwater_auditor::site::Paging::None));
}

#[test]
fn paging_is_seen_in_its_forms() {
    use headwater_auditor::site::Paging::*;
    for (body, paging) in [
        ("let r = self.c.scan().send().await.unwrap(); r.items", None),
        (
            "self.c.scan().into_paginator().items().send().collect().await",
            Paginator,
        ),
        (
            "let mut k = std::option::Option::None; loop { let o = self.c.scan().set_exclusive_start_key(k).send().await?; k = o.last_evaluated_key; }",
            Loop,
        ),
        (
            "self.c.scan().send().await.map(|o| (o.items, o.last_evaluated_key))",
            Cursor,
        ),
        (
            "let QueryOutput { items, last_evaluated_key, .. } = self.c.query().send().await?; items",
            Cursor,
        ),
        ("self.c.scan().send().await", HandedOn),
    ] {
        assert_eq!(
            one(&format!("pub async fn f(&self) -> X {{ {body} }}")).paging,
            Some(paging),
            "{body}"
        );
    }
}
