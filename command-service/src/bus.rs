//! The command bus: from a submission to its receipt, whatever edge it came by.

use crate::{Accepted, Submission, handler::Entry};
use ::http::StatusCode;
use headwater_analytics::refusal::Addressed;
use headwater_edge::{Problem, id_of, unknown};
use headwater_event_log::{EventLog, Request};
use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType};
use headwater_runtime::Runtime;
use headwater_tenancy::{SealingKey, TenantScope};
use std::{collections::BTreeMap, fmt, sync::Arc};

type Entries = BTreeMap<&'static str, BTreeMap<&'static str, Entry>>;

/// Executes commands of all registered aggregates. Cheap to clone.
#[derive(Clone)]
pub struct CommandBus(Arc<Inner>);

struct Inner {
    entries: Entries,
    key: SealingKey,
    runtime: Runtime,
}

/// A [`CommandBus`] in the making; contexts register their aggregates with it.
pub struct CommandBusBuilder {
    log: EventLog,
    inner: Inner,
}

impl AggregateRegistry for CommandBusBuilder {
    fn aggregate<A: Aggregate>(&mut self) {
        let of_context = self.inner.entries.entry(A::CONTEXT).or_default();
        of_context.insert(A::NAME, Entry::of::<A>(&self.log));
    }
}

impl CommandBusBuilder {
    /// The bus.
    pub fn build(self) -> CommandBus {
        CommandBus(Arc::new(self.inner))
    }
}

impl fmt::Debug for CommandBusBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandBusBuilder")
    }
}

impl fmt::Debug for CommandBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.aggregates()).finish()
    }
}

impl CommandBus {
    /// A bus without aggregates, over `log`. `key` seals the consistency tokens of receipts.
    pub fn builder(log: EventLog, key: SealingKey, runtime: Runtime) -> CommandBusBuilder {
        CommandBusBuilder {
            log,
            inner: Inner {
                entries: Entries::new(),
                key,
                runtime,
            },
        }
    }

    /// All registered aggregates, by context and name.
    pub fn aggregates(&self) -> impl Iterator<Item = &AggregateType> {
        self.0
            .entries
            .values()
            .flat_map(|of_context| of_context.values().map(|entry| &entry.aggregate))
    }

    /// Executes one command.
    ///
    /// # Errors
    /// The problem that the caller is to be told. After 503 the command may have been committed; sending it again with the same
    /// command id is safe.
    pub async fn submit(&self, scope: &TenantScope, mut submission: Submission) -> Result<Accepted, Problem> {
        let executed = self.execute(scope, &mut submission).await;
        executed.map_err(|problem| {
            let Submission {
                context,
                aggregate,
                id,
                command: name,
                correlation_id,
                ..
            } = submission;
            let command = Addressed {
                context,
                aggregate,
                id,
                name,
            };
            problem.asked_by(command, correlation_id)
        })
    }

    async fn execute(&self, scope: &TenantScope, submission: &mut Submission) -> Result<Accepted, Problem> {
        permitted(scope)?;
        let entry = self.find(submission)?;
        let id = id_of(&submission.id)?;
        submission.check_names()?;
        let command_id = submission
            .command_id
            .take()
            .unwrap_or_else(|| self.0.runtime.uuid().to_string());
        // serde_json keeps members sorted, so equal payloads have equal bytes.
        let canonical =
            serde_json::to_vec(&submission.payload).map_err(|error| Problem::internal(error.to_string()))?;
        let request = Request {
            command_id: command_id.clone(),
            name: &submission.command,
            payload: &canonical,
            expected_version: submission.expected_version,
            correlation_id: submission.correlation_id.clone(),
            causation_id: submission.causation_id.take(),
        };
        let executed = entry
            .handler
            .execute(
                scope,
                &id,
                request,
                std::mem::take(&mut submission.payload),
                submission.if_match,
            )
            .await?;
        Ok(Accepted::new(
            executed,
            &entry.aggregate,
            &id,
            command_id,
            scope,
            &self.0.key,
        ))
    }

    fn find(&self, submission: &Submission) -> Result<&Entry, Problem> {
        let Submission {
            context,
            aggregate,
            command,
            ..
        } = submission;
        let of_context = self
            .0
            .entries
            .get(context.as_str())
            .ok_or_else(|| unknown("unknown-context", "context", context, self.0.entries.keys().copied()))?;
        let entry = of_context
            .get(aggregate.as_str())
            .ok_or_else(|| unknown("unknown-aggregate", "aggregate", aggregate, of_context.keys().copied()))?;
        let commands = || entry.commands.iter().map(String::as_str);
        if commands().any(|known| known == command) {
            return Ok(entry);
        }
        Err(unknown("unknown-command", "command", command, commands()))
    }
}

/// Whether the caller may command at all, which is known before its body is read.
pub(crate) fn permitted(scope: &TenantScope) -> Result<(), Problem> {
    let refused = |refused: headwater_tenancy::MayNotCommand| {
        Problem::new(StatusCode::FORBIDDEN, refused.code(), refused.to_string())
    };
    scope.may_command().map_err(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn equal_payloads_have_equal_bytes() {
        // Fails when some dependency turns on serde_json's `preserve_order`: payload tags would then depend on the order of members.
        let (a, b) = (r#"{"b":1,"a":{"d":1,"c":2}}"#, r#"{"a":{"c":2,"d":1},"b":1}"#);
        let canonical = |text: &str| headwater_edge::parse_json(text.as_bytes()).unwrap().to_string();
        assert_eq!(canonical(a), canonical(b));
        assert_eq!(canonical(a), json!({ "a": { "c": 2, "d": 1 }, "b": 1 }).to_string());
    }
}
