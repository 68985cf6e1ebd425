//! Timestream as its wire protocol shows it: no server executes its SQL, so this one executes the statements that Headwater writes, and refuses
//! every other. Records are in memory.

mod sql;
mod table;

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use table::Table;

/// Rows of a page.
const PAGE: usize = 500;

/// What the service says no with: its kind and why.
type Refusal = (&'static str, String);

/// A running service with one database, `headwater`, and no table. Its thread ends with the process.
#[derive(Debug, Clone)]
pub struct Timestream {
    address: SocketAddr,
    state: Arc<Mutex<Service>>,
}

#[derive(Debug, Default)]
struct Service {
    tables: BTreeMap<String, Table>,
    /// What is left of answers whose first pages were given.
    pages: BTreeMap<String, Vec<Value>>,
    /// Answers to refuse with a throttle, and those to lose after their effect.
    throttled: usize,
    lost: usize,
    /// The times that records may have.
    times: Option<Range<i64>>,
    requests: usize,
}

impl Timestream {
    /// Starts one.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        let state: Arc<Mutex<Service>> = Arc::default();
        let routes = Router::new().route("/", post(answer)).with_state(Arc::clone(&state));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, routes).await
            })
        });
        Self { address, state }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next so many requests are throttled.
    pub fn throttle(&self, requests: usize) {
        self.lock().throttled = requests;
    }

    /// The next so many requests have their effect and are answered with status 500.
    pub fn lose(&self, requests: usize) {
        self.lock().lost = requests;
    }

    /// Records of other times are rejected.
    pub fn only(&self, times: Range<i64>) {
        self.lock().times = Some(times);
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.lock().requests
    }

    fn lock(&self) -> MutexGuard<'_, Service> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(state): State<Arc<Mutex<Service>>>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let mut service = state.lock().unwrap_or_else(PoisonError::into_inner);
    service.requests += 1;
    let refuse = |(kind, message): Refusal| {
        let body = json!({ "__type": format!("com.amazonaws.timestream#{kind}"), "message": message });
        (StatusCode::BAD_REQUEST, body.to_string())
    };
    if service.throttled > 0 {
        service.throttled -= 1;
        return refuse(("ThrottlingException", "Rate exceeded".to_owned()));
    }
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix("Timestream_20181101."))
        .unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answered = service.operate(operation, &asked);
    if service.lost > 0 {
        service.lost -= 1;
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "{\"__type\":\"InternalServerException\"}".to_owned(),
        );
    }
    match answered {
        Ok(answer) => (StatusCode::OK, answer.to_string()),
        Err(Err(rejected)) => (
            StatusCode::from_u16(419).unwrap_or(StatusCode::BAD_REQUEST),
            rejected.to_string(),
        ),
        Err(Ok(refusal)) => refuse(refusal),
    }
}

/// No, or records that were rejected.
type Not = Result<Refusal, Value>;

impl Service {
    fn operate(&mut self, operation: &str, asked: &Value) -> Result<Value, Not> {
        let database = asked["DatabaseName"].as_str();
        let missing = |what: &str| Ok(("ResourceNotFoundException", format!("{what} does not exist")));
        if database.is_some_and(|database| database != "headwater") {
            return Err(missing("The database"));
        }
        let name = asked["TableName"].as_str().unwrap_or_default();
        match operation {
            "DescribeDatabase" => Ok(json!({ "Database": { "DatabaseName": "headwater" } })),
            "CreateTable" => {
                if self.tables.contains_key(name) {
                    return Err(Ok(("ConflictException", "The table already exists".to_owned())));
                }
                self.tables.insert(name.to_owned(), Table::new(asked).map_err(Ok)?);
                Ok(json!({ "Table": { "TableName": name } }))
            }
            "DeleteTable" => match self.tables.remove(name) {
                Some(_) => Ok(json!({})),
                None => Err(missing("The table")),
            },
            "WriteRecords" => {
                let table = self.tables.get_mut(name).ok_or_else(|| missing("The table"))?;
                table.write(asked, self.times.as_ref())
            }
            "Query" => self.query(asked).map_err(Ok),
            other => Err(Ok(("ValidationException", format!("no such operation: {other}")))),
        }
    }

    fn query(&mut self, asked: &Value) -> Result<Value, Refusal> {
        let text = asked["QueryString"].as_str().unwrap_or_default();
        let rows = match asked["NextToken"].as_str() {
            Some(token) => self
                .pages
                .remove(token)
                .ok_or(("ValidationException", "Invalid token".to_owned()))?,
            None => {
                let statement = sql::parse(text)?;
                let table = self.tables.get(&statement.table);
                let table = table.ok_or((
                    "ValidationException",
                    format!("Table {} does not exist", statement.table),
                ))?;
                // An answer may begin with a page that has nothing.
                let rows = sql::run(&statement, table)?;
                return Ok(self.page(Vec::new(), rows));
            }
        };
        let mut rows = rows;
        let rest = rows.split_off(rows.len().min(PAGE));
        Ok(self.page(rows, rest))
    }

    fn page(&mut self, rows: Vec<Value>, rest: Vec<Value>) -> Value {
        let mut page = json!({ "QueryId": "Q", "Rows": rows, "ColumnInfo": [] });
        if !rest.is_empty() {
            let token = format!("token-{}", self.requests);
            page["NextToken"] = json!(token);
            self.pages.insert(token, rest);
        }
        page
    }
}
