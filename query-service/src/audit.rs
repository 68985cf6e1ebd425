//! The audit log of a tenant, for its auditors: what happened in it and what was refused, as it was written down.

use crate::{
    QueryService,
    openapi::{page_schema, paging, query, read, refused},
    parameters::{DEFAULT_LIMIT, MAX_LIMIT, Parameters},
    refusal::{bad_request, invalid, of_audit_log},
    service::Listed,
};
use ::http::StatusCode;
use headwater_audit_log::{Place, Wanted};
use headwater_edge::{OpenApi, Problem};
use headwater_kernel::{Personal, Timestamp};
use headwater_tenancy::{Role, TenantScope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The route.
pub(crate) const PATH: &str = "/v1/audit";

const CURSOR: &str = "audit-cursor";

/// How far back lines go when it is not said.
const USUAL: Duration = Duration::from_hours(24);

/// Parameters besides those of paging: the name and what it means.
const PARAMETERS: [(&str, &str); 4] = [
    ("actor", "Of this actor, such as user:ada."),
    (
        "type",
        "Of this type: that of an event, such as ProductPriceChanged, or RequestRefused.",
    ),
    (
        "from",
        "The beginning: a time in RFC 3339, or a date for its midnight in UTC. Without it, a day before the end.",
    ),
    (
        "to",
        "The end, which is not within: a time, or a date, whose day in UTC is within. Without it, now.",
    ),
];

/// Where a page begins, and of what.
#[derive(Serialize, Deserialize)]
struct Cursor {
    actor: Option<String>,
    event_type: Option<String>,
    from: Timestamp,
    to: Timestamp,
    place: Place,
}

impl QueryService {
    /// A page of the lines of the scope's tenant, in the order in which they were written down.
    pub(crate) async fn audit(&self, scope: &TenantScope, parameters: &Parameters) -> Result<Listed, Problem> {
        let audits = |role: &Role| matches!(role, Role::Owner | Role::Admin | Role::Auditor);
        if !scope.roles().iter().any(audits) {
            let detail = "this token may not read the audit log; that takes the role owner, admin or auditor";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
        }
        let known: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).collect();
        parameters.only(&[&known[..], &["limit", "cursor"]].concat(), None)?;
        let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let given = |name| Ok::<_, Problem>(parameters.text(name)?.map(str::to_owned));
        let (actor, event_type) = (given("actor")?, given("type")?);
        let (from, to) = (parameters.beginning("from")?, parameters.end("to")?);
        let now = self.inner().runtime.now();
        let (asked, place) = match parameters.text("cursor")? {
            None => {
                let to = to.unwrap_or(now);
                let day_before = i64::try_from(USUAL.as_nanos()).unwrap_or(i64::MAX);
                let from = from.unwrap_or_else(|| Timestamp::from_nanos(to.nanos().saturating_sub(day_before)));
                ((actor, event_type, from, to), None)
            }
            Some(cursor) => {
                let Cursor {
                    actor: of_actor,
                    event_type: of_type,
                    from: since,
                    to: until,
                    place,
                } = self.open_audit(scope, cursor)?;
                let differs = actor.is_some_and(|actor| Some(actor) != of_actor)
                    || event_type.is_some_and(|event_type| Some(event_type) != of_type)
                    || from.is_some_and(|from| from != since)
                    || to.is_some_and(|to| to != until);
                if differs {
                    return Err(strange_cursor());
                }
                ((of_actor, of_type, since, until), Some(place))
            }
        };
        let (actor, event_type, from, to) = asked;
        if to <= from {
            return Err(invalid("to", "lies after from"));
        }
        let Some(objects) = self.inner().audit_log.as_deref() else {
            let detail = "this process has no audit log; its configuration says where one is (`[audit_log]`)";
            return Err(Problem::new(StatusCode::NOT_FOUND, "no-audit-log", detail));
        };
        let wanted = Wanted {
            tenant: None,
            actor,
            event_type,
            from: Some(from),
            to: Some(to),
        };
        let page = headwater_audit_log::page(objects, scope, &wanted, (from, now), place, limit);
        let page = page.await.map_err(of_audit_log)?;
        let items = page.lines.into_iter().map(|line| {
            let mut item = serde_json::to_value(line).map_err(|error| Problem::internal(error.to_string()))?;
            Personal::reveal(&mut item);
            Ok(item)
        });
        let next_cursor = page.next.map(|place| {
            let (actor, event_type) = (wanted.actor.clone(), wanted.event_type.clone());
            let cursor = json!(Cursor {
                actor,
                event_type,
                from,
                to,
                place,
            });
            self.inner()
                .key
                .seal(CURSOR, scope.tenant(), cursor.to_string().as_bytes())
        });
        Ok(Listed {
            items: items.collect::<Result<_, Problem>>()?,
            next_cursor,
        })
    }

    fn open_audit(&self, scope: &TenantScope, cursor: &str) -> Result<Cursor, Problem> {
        let opened = self.inner().key.open(CURSOR, scope.tenant(), cursor).ok();
        opened
            .and_then(|data| serde_json::from_slice(&data).ok())
            .ok_or_else(strange_cursor)
    }
}

fn strange_cursor() -> Problem {
    let detail = "the cursor is not of this search of the audit log; send next_cursor back unchanged, with the same parameters or none";
    bad_request("invalid-cursor", detail).at("/cursor", detail)
}

/// Adds it.
pub(crate) fn describe(document: &mut OpenApi) {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let time = || json!({ "type": "string", "format": "date-time" });
    let line = document.add_schema(
        "AuditLine",
        json!({
            "type": "object",
            "required": ["time", "tenant", "context", "aggregate", "id", "sequence", "type", "schema_version", "event_id", "actor", "outcome"],
            "properties": {
                "time": time(), "tenant": text("The tenant."), "context": text("The bounded context; empty when no command was read."),
                "aggregate": text("The plural name of the aggregate."), "id": text("The aggregate's id."),
                "sequence": { "type": "integer", "minimum": 0, "description": "The place in its history; 0 for what was refused." },
                "type": text("What happened; RequestRefused, or RequestsLeftOut for a number of them."),
                "schema_version": { "type": "integer" }, "event_id": text("Names the line."), "actor": text("Who asked."),
                "outcome": { "type": "string", "enum": ["done", "refused", "gone"] },
                "command_id": text("The command."), "correlation_id": text("As the caller gave it."), "causation_id": text("As the caller gave it."),
                "client": text("The address that it came from."), "route": text("Of a refusal: method and path."),
                "command": text("Of a refusal: the command's name."), "status": { "type": "integer", "description": "Of a refusal: the status by HTTP." },
                "code": text("Of a refusal: the problem's code."), "trace_id": text("Of a refusal: that of the problem."),
                "data": { "type": "object", "description": "The event's data, as it was stored." }
            }
        }),
    );
    let of = |(name, description): (&str, &str)| {
        let schema = if matches!(name, "from" | "to") {
            time()
        } else {
            json!({ "type": "string" })
        };
        query(name, description, schema)
    };
    let mut parameters: Vec<Value> = PARAMETERS.map(of).into();
    parameters.extend(paging(DEFAULT_LIMIT, MAX_LIMIT));
    let summary = "Lines of the tenant's audit log";
    let mut operation = read("audit", "lines", summary, parameters, &page_schema(&line));
    operation["description"] = "For the roles owner, admin and auditor. In the order in which lines were written down, some seconds after they happened. A page looks at a bounded \
        number of objects, so it may be short or empty and have a next one."
        .into();
    operation["responses"]["403"] = refused("The token has none of the roles.");
    operation["responses"]
        .as_object_mut()
        .map(|responses| responses.remove("409"));
    document.add(PATH, "get", operation);
}
