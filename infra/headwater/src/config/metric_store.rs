//! `[metric_store]`: where metric points are kept. One in this process is of use to this process alone; a server to all.

use super::{
    Adapter, MetricStore, Role,
    reader::Reader,
    search::Password,
    stores::{choice, one_process},
};
use headwater_metrics::timestream::TimestreamConfig;
use std::{collections::BTreeSet, path::Path, time::Duration};

/// A server of InfluxDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Influx {
    pub(crate) url: String,
    /// The generations' databases are `<database>-<generation>`.
    pub(crate) database: String,
    pub(crate) access: InfluxAccess,
    pub(crate) keep: Duration,
}

/// How the server lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InfluxAccess {
    /// It asks for nothing.
    Open,
    User {
        user: String,
        password: Password,
    },
    Token(Password),
}

/// How long points are kept unless it is said otherwise: as long as SQLite keeps minutes.
const KEEP_DAYS: u32 = 400;

/// What is given and of use with some adapters alone.
struct Given {
    texts: Vec<(&'static str, &'static [&'static str], Option<String>)>,
    keep_days: u32,
}

impl Given {
    fn read(reader: &mut Reader) -> Self {
        let keys: [(&'static str, &'static [&'static str]); 8] = [
            ("metric_store.url", &["influxdb"]),
            ("metric_store.user", &["influxdb"]),
            ("metric_store.password", &["influxdb"]),
            ("metric_store.token", &["influxdb"]),
            ("metric_store.database", &["influxdb", "timestream"]),
            ("metric_store.aws_region", &["timestream"]),
            ("metric_store.table_prefix", &["timestream"]),
            ("metric_store.endpoint", &["timestream"]),
        ];
        let texts = keys.map(|(key, of)| (key, of, reader.text(key).filter(|text| !text.is_empty())));
        Self {
            texts: texts.into(),
            keep_days: reader.number("metric_store.keep_days", 1..=73_000).unwrap_or(KEEP_DAYS),
        }
    }

    fn refuse_others(&self, reader: &mut Reader, wanted: &str) {
        for (key, of, given) in &self.texts {
            if given.is_some() && !of.contains(&wanted) {
                let of = of.join(" or ");
                reader.refuse(key, format!("{key} is of use with metric_store.adapter = {of} alone"));
            }
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let found = self.texts.iter().find(|(key, ..)| *key == name);
        found.and_then(|(.., given)| given.clone())
    }

    fn must(&self, reader: &mut Reader, key: &'static str, such_as: &str) -> Option<String> {
        let given = self.get(key);
        if given.is_none() {
            reader.refuse(key, format!("{key} is missing: {such_as}"));
        }
        given
    }
}

/// Reads the section.
pub(super) fn metric_store(
    reader: &mut Reader,
    roles: &BTreeSet<Role>,
    adapter: Option<&Adapter>,
    data: Option<&Path>,
) -> Option<MetricStore> {
    let usual = if adapter == Some(&Adapter::Embedded) {
        "sqlite"
    } else {
        "none"
    };
    let words = &["none", "sqlite", "influxdb", "timestream"];
    let wanted = choice(reader, "metric_store.adapter", words, usual);
    let folder = reader.path("metric_store.folder");
    let given = Given::read(reader);
    let wanted = wanted?;
    if folder.is_some() && wanted != "sqlite" {
        let what = "metric_store.folder is of use with metric_store.adapter = \"sqlite\" alone";
        reader.refuse("metric_store.folder", what);
    }
    given.refuse_others(reader, wanted);
    match wanted {
        "none" => Some(MetricStore::None),
        "influxdb" => influx(reader, &given),
        "timestream" => timestream(reader, &given, adapter),
        _ => {
            one_process(reader, roles, "metric_store.adapter", |names| {
                format!(
                    "sqlite keeps metrics inside one process: the one that fills it (project) has to be the one that answers from it (query); \
                     this one has the roles {names}. Use influxdb or timestream, or leave [metric_store] out here and run one process with both roles for metrics"
                )
            });
            let folder = folder.or_else(|| data.map(|data| data.join("metrics")));
            if folder.is_none() {
                let what = "metric_store.folder is missing: sqlite needs a folder (or set data)";
                reader.refuse("metric_store.folder", what);
            }
            folder.map(MetricStore::Sqlite)
        }
    }
}

fn influx(reader: &mut Reader, given: &Given) -> Option<MetricStore> {
    let url = given.must(
        reader,
        "metric_store.url",
        "the server's address, such as https://influx.internal:8086",
    );
    let database = given
        .get("metric_store.database")
        .unwrap_or_else(|| "headwater".to_owned());
    let of = |name: &str| given.get(name);
    let access = match (
        of("metric_store.user"),
        of("metric_store.password"),
        of("metric_store.token"),
    ) {
        (None, None, None) => InfluxAccess::Open,
        (None, None, Some(token)) => InfluxAccess::Token(Password(token)),
        (Some(user), Some(password), None) => InfluxAccess::User {
            user,
            password: Password(password),
        },
        _ => {
            let what = "metric_store has user and password (InfluxDB 1), or a token (2 and 3), or none of them";
            reader.refuse("metric_store.user", what);
            return None;
        }
    };
    Some(MetricStore::Influx(Influx {
        url: url?,
        database,
        access,
        keep: Duration::from_secs(u64::from(given.keep_days) * 86_400),
    }))
}

fn timestream(reader: &mut Reader, given: &Given, adapter: Option<&Adapter>) -> Option<MetricStore> {
    let of_tables = match adapter {
        Some(Adapter::Aws { config, .. }) => Some(config.region.clone()),
        _ => None,
    };
    let database = given.must(reader, "metric_store.database", "Timestream's database, which is there");
    let region = given.get("metric_store.aws_region").or(of_tables);
    if region.is_none() {
        let what = "metric_store.aws_region is missing: where the database is, such as us-east-1";
        reader.refuse("metric_store.aws_region", what);
    }
    Some(MetricStore::Timestream(TimestreamConfig {
        region: region?,
        database: database?,
        table_prefix: given.get("metric_store.table_prefix").unwrap_or_default(),
        endpoint: given.get("metric_store.endpoint"),
        keep_days: given.keep_days,
    }))
}
