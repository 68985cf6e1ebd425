//! The tables: whether anybody answers, as whom, how they are defined, and whether this process may do with them what its roles need.

use super::{
    clock::Clock,
    findings::Findings,
    permissions,
    told::{Why, told, why},
};
use crate::{
    assembly::tables,
    config::{Adapter, Config},
};
use headwater_dynamodb::{Database, Databases, Error, TableDefinition};
use headwater_runtime::Runtime;
use headwater_tenancy::{SealingKey, TenantDirectory};
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(super) async fn can_listen(findings: &mut Findings, name: &str, address: SocketAddr) {
    let check = format!("listener {name}");
    match TcpListener::bind(address).await {
        Ok(_) => findings.ok(check, format!("{address} is free")),
        Err(error) => findings.warn(
            check,
            format!("{address} cannot be used: {error}; if no Headwater listens there, choose another address"),
        ),
    }
}

pub(super) async fn check(
    findings: &mut Findings,
    config: &Config,
    databases: &Databases,
    sealing: Option<&SealingKey>,
    runtime: &Runtime,
) {
    let aws = matches!(config.adapter, Adapter::Aws { .. });
    if aws && !reach(findings, config, &databases.durable, runtime).await {
        return findings.warn("tables", "not looked at");
    }
    let mut all_there = true;
    for definition in tables::definitions() {
        let database = databases.of(definition.store);
        all_there &= table(findings, config, database, &definition).await;
    }
    if !all_there {
        return;
    }
    if let Some(sealing) = sealing {
        installation(findings, sealing, &databases.durable).await;
        tenants(findings, sealing, &databases.durable, runtime).await;
    }
}

/// Whether the endpoint answers, and knows who asks.
async fn reach(findings: &mut Findings, config: &Config, database: &Database, runtime: &Runtime) -> bool {
    let at = match &config.adapter {
        Adapter::Aws { config, .. } => config
            .endpoint_url
            .clone()
            .unwrap_or_else(|| format!("DynamoDB in {}", config.region)),
        Adapter::Embedded => String::new(),
    };
    let clock = Clock::new(runtime);
    let since = runtime.monotonic();
    let name = database.table("tenants");
    let call = database
        .client()
        .describe_table()
        .table_name(&name)
        .customize()
        .interceptor(clock.clone());
    let result = call.send().await;
    let millis = (runtime.monotonic() - since).as_millis();
    let answered = format!("{at} answers in {millis} ms");
    match result.as_ref().map_err(why) {
        Err(Why::Unreachable) => {
            let error = result.as_ref().err().map(told).unwrap_or_default();
            let advice = "check dynamodb.region and dynamodb.endpoint, the network and its rules";
            findings.fail("dynamodb", format!("{at} does not answer: {error}; {advice}"));
            return false;
        }
        Err(Why::Credentials) => {
            let error = result.as_ref().err().map(told).unwrap_or_default();
            let advice = "give this process a role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            findings.fail("credentials", format!("{error}; {advice}"));
            return false;
        }
        _ => {
            findings.ok("dynamodb", answered);
            findings.ok("credentials", "are accepted");
        }
    }
    clock.report(findings);
    true
}

/// One table: its definition, then what may be done with it. Whether it is there.
async fn table(findings: &mut Findings, config: &Config, database: &Database, definition: &TableDefinition) -> bool {
    let check = format!("table {}", database.table(&definition.name));
    let makes = !matches!(
        config.adapter,
        Adapter::Aws {
            create_tables: false,
            ..
        }
    );
    match database.verify_table(definition).await {
        Ok(()) => {}
        Err(Error::TableMissing { .. }) if makes => {
            findings.ok(check, "does not exist, and is made at the start");
            return false;
        }
        Err(Error::TableMissing { .. }) => {
            findings.fail(check, "does not exist; deploy it, or set dynamodb.create_tables = true");
            return false;
        }
        Err(Error::Call { code: Some(code), .. }) if code == "AccessDeniedException" => {
            findings.fail(check, "this process may not describe it; allow dynamodb:DescribeTable");
            return false;
        }
        Err(error) => {
            findings.fail(check, error.to_string());
            return false;
        }
    }
    let faults = permissions::check(config, database, definition).await;
    if faults.is_empty() {
        findings.ok(&check, "is as defined, and may be used as the roles need");
    }
    for fault in faults {
        findings.fail(&check, fault);
    }
    if matches!(&config.adapter, Adapter::Aws { .. }) && definition.store == headwater_dynamodb::Store::Durable {
        recovery(findings, check, database, definition).await;
    }
    true
}

/// What cannot be made again should be recoverable to a point in time. An engine that knows no backups says nothing.
async fn recovery(findings: &mut Findings, check: String, database: &Database, definition: &TableDefinition) {
    let table = database.table(&definition.name);
    let answer = database
        .client()
        .describe_continuous_backups()
        .table_name(&table)
        .send()
        .await;
    let Ok(answer) = answer else { return };
    let status = answer
        .continuous_backups_description()
        .and_then(|backups| backups.point_in_time_recovery_description())
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    if status.is_some_and(|status| status.as_str() != "ENABLED") {
        let advice = format!(
            "aws dynamodb update-continuous-backups --table-name {table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        );
        findings.warn(
            check,
            format!("has no point-in-time recovery, and nothing can make its data again; {advice}"),
        );
    }
}

/// Whether the other processes have the same sealing key.
async fn installation(findings: &mut Findings, sealing: &SealingKey, database: &Database) {
    const CHECK: &str = "installation";
    match sealing.is_of_installation(database).await {
        Ok(Some(true)) => findings.ok(CHECK, "its processes have this sealing key"),
        Ok(None) => findings.ok(CHECK, "no process has started yet"),
        Ok(Some(false)) => findings.fail(
            CHECK,
            "its processes have another sealing key; give this one the same file (keys.sealing_file)",
        ),
        Err(error) => findings.fail(CHECK, error.to_string()),
    }
}

/// An installation without tenants accepts no token.
async fn tenants(findings: &mut Findings, sealing: &SealingKey, database: &Database, runtime: &Runtime) {
    const CHECK: &str = "tenants";
    let directory = TenantDirectory::new(database.clone(), runtime.clone());
    match directory.list(&sealing.operator()).await {
        Ok(tenants) if tenants.is_empty() => findings.warn(
            CHECK,
            "there are none, so no token is accepted; name the first in the configuration: tenants = [\"acme:us\"]",
        ),
        Ok(tenants) => findings.ok(CHECK, format!("{}", tenants.len())),
        Err(error) => findings.fail(CHECK, error.to_string()),
    }
}
