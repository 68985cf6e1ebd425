//! `[search]`: which index is filled and searched. One in this process is of use to this process alone; a cluster to all.

use super::{
    Adapter, Role, Search,
    reader::Reader,
    stores::{choice, one_process},
};
use headwater_kernel::TenantId;
use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

/// An OpenSearch cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchCluster {
    pub(crate) url: String,
    pub(crate) access: SearchAccess,
    /// In front of every index's name.
    pub(crate) index_prefix: String,
    /// Tenants that get an index of their own with the next generation.
    pub(crate) own_index: BTreeSet<TenantId>,
}

/// How a cluster lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchAccess {
    /// It asks for nothing.
    Open,
    Basic {
        user: String,
        password: Password,
    },
    /// By signed requests, with the credentials of this process.
    Aws {
        region: String,
    },
}

/// Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What is given and of use with `opensearch` alone.
struct Given {
    url: Option<String>,
    user: Option<String>,
    password: Option<String>,
    sign: bool,
    region: Option<String>,
    index_prefix: Option<String>,
    own_index: Vec<TenantId>,
}

impl Given {
    fn read(reader: &mut Reader) -> Self {
        let url = reader.text("search.url");
        let user = reader.text("search.user");
        let password = reader.text("search.password");
        let sign = reader.flag("search.sign_requests").unwrap_or(false);
        let region = reader.text("search.aws_region");
        let index_prefix = reader.text("search.index_prefix");
        let tenant = |text: &str| text.parse::<TenantId>().map_err(|error| error.to_string());
        let own_index = reader
            .list("search.own_index", "a list of tenants", tenant)
            .unwrap_or_default();
        Self {
            url,
            user,
            password,
            sign,
            region,
            index_prefix,
            own_index,
        }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        [
            ("search.url", self.url.is_some()),
            ("search.user", self.user.is_some()),
            ("search.password", self.password.is_some()),
            ("search.sign_requests", self.sign),
            ("search.aws_region", self.region.is_some()),
            ("search.index_prefix", self.index_prefix.is_some()),
            ("search.own_index", !self.own_index.is_empty()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
    }
}

/// Reads the section.
pub(super) fn search(
    reader: &mut Reader,
    roles: &BTreeSet<Role>,
    adapter: Option<&Adapter>,
    data: Option<&Path>,
) -> Option<Search> {
    let usual = if adapter == Some(&Adapter::Embedded) {
        "tantivy"
    } else {
        "none"
    };
    let wanted = choice(reader, "search.adapter", &["none", "tantivy", "opensearch"], usual);
    let folder = reader.path("search.folder");
    let given = Given::read(reader);
    let wanted = wanted?;
    if wanted != "tantivy" && folder.is_some() {
        only_with(reader, "search.folder", "tantivy");
    }
    if wanted != "opensearch" {
        for key in given.names().collect::<Vec<_>>() {
            only_with(reader, key, "opensearch");
        }
    }
    match wanted {
        "tantivy" => embedded(reader, roles, folder, data),
        "opensearch" => cluster(reader, given, adapter),
        _ => Some(Search::None),
    }
}

fn only_with(reader: &mut Reader, key: &str, adapter: &str) {
    reader.refuse(
        key,
        format!("{key} is of use with search.adapter = \"{adapter}\" alone"),
    );
}

fn embedded(
    reader: &mut Reader,
    roles: &BTreeSet<Role>,
    folder: Option<PathBuf>,
    data: Option<&Path>,
) -> Option<Search> {
    one_process(reader, roles, "search.adapter", |names| {
        format!(
            "tantivy is an index inside one process: the one that fills it (project) has to be the one that searches it (query); \
             this one has the roles {names}. Leave [search] out here and run one process with both roles for searches, or use opensearch"
        )
    });
    let folder = folder.or_else(|| data.map(|data| data.join("search")));
    if folder.is_none() {
        reader.refuse(
            "search.folder",
            "search.folder is missing: tantivy needs a folder (or set data)",
        );
    }
    folder.map(Search::Tantivy)
}

fn cluster(reader: &mut Reader, given: Given, adapter: Option<&Adapter>) -> Option<Search> {
    let Some(url) = given.url else {
        reader.refuse(
            "search.url",
            "search.url is missing: where the cluster is, such as http://127.0.0.1:9200",
        );
        return None;
    };
    let region = given.region.or_else(|| match adapter {
        Some(Adapter::Aws { config, .. }) => Some(config.region.clone()),
        _ => None,
    });
    let access = match (given.user, given.password, given.sign) {
        (None, None, false) => SearchAccess::Open,
        (Some(user), Some(password), false) => SearchAccess::Basic {
            user,
            password: Password(password),
        },
        (None, None, true) => match region {
            Some(region) => SearchAccess::Aws { region },
            None => {
                reader.refuse(
                    "search.aws_region",
                    "search.aws_region is missing: the AWS region of the cluster, such as us-east-1",
                );
                return None;
            }
        },
        (_, _, true) => {
            reader.refuse(
                "search.sign_requests",
                "search.sign_requests signs requests, and search.user sends a password: leave one out",
            );
            return None;
        }
        (user, ..) => {
            let (missing, there) = match user {
                Some(_) => ("search.password", "search.user"),
                None => ("search.user", "search.password"),
            };
            reader.refuse(missing, format!("{missing} is missing: {there} is given"));
            return None;
        }
    };
    let index_prefix = given.index_prefix.unwrap_or_else(|| "headwater-".to_owned());
    Some(Search::Cluster(SearchCluster {
        url,
        access,
        index_prefix,
        own_index: given.own_index.into_iter().collect(),
    }))
}
