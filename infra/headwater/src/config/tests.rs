//! What a configuration may say, and what is said of one that says something else.

use super::*;
use std::fs;

struct Folder(tempfile::TempDir);

const KEY: &str = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";

/// The least that a file has to say.
fn least() -> String {
    format!(
        "keys.sealing_file = \"sealing.key\"\ndynamodb.region = \"us-east-1\"\nauth.public_keys = [\"{KEY}\"]\nauth.issuer = \"https://id.example.com\"\nauth.audience = \"headwater\"\n"
    )
}

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn read(&self, text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let path = self.0.path().join("serve.toml");
        fs::write(&path, text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let place = format!("{}:", path.display());
        read(Some(&path), environment).map_err(|faults| faults.to_string().replace(&place, "line "))
    }

    /// What is refused of the least with `more` before it.
    fn refused(&self, more: &str) -> String {
        self.read(&format!("{more}\n{}", least()), &[]).unwrap_err()
    }
}

#[test]
fn the_least_is_enough_and_the_environment_wins() {
    let folder = Folder::new();
    let config = folder.read(&least(), &[]).unwrap();
    assert_eq!(config.roles.len(), 3);
    assert_eq!(config.search, Search::None);
    assert_eq!(config.metric_store, MetricStore::None);
    assert_eq!(config.sealing_file, Some(folder.0.path().join("sealing.key")));
    let environment = [
        ("HEADWATER_ROLES", "command, query"),
        ("HEADWATER_HTTP", "0.0.0.0:80"),
        ("HEADWATER_DYNAMODB_REGION", "eu-west-1"),
        ("HEADWATER_DYNAMODB_CREATE_TABLES", "true"),
        ("HEADWATER_KEYS_SEALING_FILE", "elsewhere.key"),
        ("HEADWATER_LIMITS_DRAIN_MS", "0"),
        ("HEADWATER_TENANTS", "acme:eu,globex:eu"),
        ("HEADWATER_SEARCH_ADAPTER", ""),
        ("HEADWATER_LOG", "info"),
        ("PATH", "/bin"),
    ];
    let text = format!("http = \"127.0.0.1:1\"\n{}", least());
    let config = folder.read(&text, &environment).unwrap();
    assert!(config.has(Role::Query) && !config.has(Role::Project));
    assert_eq!(config.http.to_string(), "0.0.0.0:80");
    assert_eq!(config.home.as_str(), "eu");
    assert!(matches!(
        config.adapter,
        Adapter::Aws {
            create_tables: true,
            ..
        }
    ));
    assert_eq!(config.sealing_file, Some("elsewhere.key".into()));
    assert!(config.limits.drain.is_zero());
    assert_eq!(config.tenants.len(), 2);
}

#[test]
fn unknown_names_are_refused_with_the_nearest_and_the_line() {
    let folder = Folder::new();
    for (text, said) in [
        (
            "rolls = [\"query\"]",
            "line 1: there is no key rolls; did you mean roles?",
        ),
        (
            "\n[dynamo]\nregion = \"x\"",
            "line 3: there is no section [dynamo]; did you mean [dynamodb]?",
        ),
        (
            "dynamodb.regoin = \"x\"",
            "line 1: [dynamodb] has no key regoin; did you mean region?",
        ),
        (
            "projector.frobnicate = 1",
            "[projector] has no key frobnicate; there are believe_hours, catch_up_commits_per_second, discover_seconds,",
        ),
        (
            "roles = [\"comand\"]",
            "line 1: roles must be a list of command, project and query, and is a list: there is no role comand; did you mean command?",
        ),
        ("limits = 3", "line 1: there is no key limits"),
    ] {
        let refused = folder.read(text, &[]).unwrap_err();
        assert!(refused.contains(said), "{text}: {refused}");
    }
    let refused = folder
        .read(&least(), &[("HEADWATER_DYNAMO_ENDPOINT", "x")])
        .unwrap_err();
    assert!(
        refused.contains(
            "HEADWATER_DYNAMO_ENDPOINT: is no variable of Headwater; did you mean HEADWATER_DYNAMODB_ENDPOINT?"
        ),
        "{refused}"
    );
}

#[test]
fn wrong_types_say_what_was_expected_and_where() {
    let folder = Folder::new();
    for (text, said) in [
        (
            "http = 8080",
            "line 1: http must be an address and port such as 0.0.0.0:8080, and is the number 8080",
        ),
        (
            "http = \"localhost\"",
            "and is the text \"localhost\": invalid socket address syntax",
        ),
        (
            "limits.max_in_flight = \"many\"",
            "limits.max_in_flight must be a whole number from 1 to 1000000, and is the text \"many\"",
        ),
        (
            "projector.records = 1001",
            "must be a whole number from 1 to 1000, and is the number 1001",
        ),
        ("projector.pace_ms = 2.5", "and is a fraction"),
        (
            "ready_with_projections = false\nready_lag_seconds = 5",
            "and ready_with_projections = false that it does not count",
        ),
        (
            "dynamodb.create_tables = \"yes\"",
            "dynamodb.create_tables must be true or false, and is the text \"yes\"",
        ),
        (
            "roles = \"query\"",
            "roles must be a list of command, project and query",
        ),
        ("roles = [1]", "roles must be a list of command, project and query"),
        ("tenants = [\"acme\"]", "\"acme\" has no region"),
        ("http = ", "line 1:"),
    ] {
        let refused = folder.refused(text);
        assert!(refused.contains(said), "{text}: {refused}");
    }
    let refused = folder
        .read(&least(), &[("HEADWATER_LIMITS_DRAIN_MS", "soon")])
        .unwrap_err();
    assert!(
        refused.contains(
            "HEADWATER_LIMITS_DRAIN_MS: limits.drain_ms must be a whole number from 0 to 600000, and is \"soon\""
        ),
        "{refused}"
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let folder = Folder::new();
    let refused = folder.read("http = 1\nrolls = []\n", &[]).unwrap_err();
    for said in [
        "http must be",
        "no key rolls",
        "dynamodb.region is missing",
        "keys.sealing_file is missing",
        "auth.jwks is missing",
    ] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let folder = Folder::new();
    for (text, said) in [
        ("roles = []", "roles is empty"),
        (
            "roles = [\"query\"]\nsearch.adapter = \"tantivy\"\ndata = \"d\"",
            "the one that fills it (project) has to be the one that searches it (query); this one has the roles query",
        ),
        ("search.adapter = \"tantivy\"", "search.folder is missing"),
        (
            "search.adapter = \"elastic\"",
            "search.adapter cannot be \"elastic\"; there are none, tantivy, opensearch",
        ),
        ("search.adapter = \"opensearch\"", "search.url is missing"),
        (
            "search.url = \"http://127.0.0.1:9200\"",
            "search.url is of use with search.adapter = \"opensearch\" alone",
        ),
        (
            "search = { adapter = \"opensearch\", url = \"http://h\", user = \"u\" }",
            "search.password is missing",
        ),
        (
            "search = { adapter = \"opensearch\", url = \"http://h\", password = \"p\" }",
            "search.user is missing",
        ),
        (
            "search = { adapter = \"opensearch\", url = \"http://h\", user = \"u\", password = \"p\", sign_requests = true }",
            "leave one out",
        ),
        (
            "search = { adapter = \"opensearch\", url = \"http://h\", folder = \"f\" }",
            "search.folder is of use with search.adapter = \"tantivy\" alone",
        ),
        ("search.folder = \"d\"", "search.folder is of use with search.adapter"),
        (
            "search.own_index = [\"acme\"]",
            "search.own_index is of use with search.adapter = \"opensearch\" alone",
        ),
        (
            "search = { adapter = \"opensearch\", url = \"http://h\", own_index = [\"Acme Ltd\"] }",
            "a tenant id is 1 to 63 characters of a-z, 0-9 and -",
        ),
        (
            "roles = [\"project\"]\nmetric_store.adapter = \"sqlite\"\ndata = \"d\"",
            "the one that fills it (project) has to be the one that answers from it (query); this one has the roles project",
        ),
        ("metric_store.adapter = \"sqlite\"", "metric_store.folder is missing"),
        ("export.every_seconds = 60", "export.to is missing"),
        (
            "roles = [\"query\"]\nexport.to = \"x\"",
            "processes with the role project",
        ),
        (
            "metric_store.folder = \"d\"",
            "metric_store.folder is of use with metric_store.adapter",
        ),
        (
            "roles = [\"query\"]\ndynamodb.adapter = \"embedded\"\ndata = \"d\"",
            "needs all roles; this one has query",
        ),
        (
            "dynamodb.endpoint = \"localhost:8000\"",
            "dynamodb.endpoint must be a URL",
        ),
        (
            "dynamodb.table_prefix = \"a/b\"",
            "dynamodb.table_prefix may have letters",
        ),
        (
            "tenants = [\"acme:eu\"]",
            "the tenant acme lives in eu, and these stores are those of us",
        ),
        ("auth.allow_development_key = true\ndata = \"d\"", "exclude one another"),
        ("auth.jwks = \"https://id.example.com/keys\"", "exclude one another"),
        ("auth.tenant_claim = \"\"", "auth.tenant_claim is missing"),
    ] {
        let refused = folder.refused(text);
        assert!(refused.contains(said), "{text}: {refused}");
    }
    let with = |from: &str, to: &str| folder.read(&least().replace(from, to), &[]);
    let refused = with("us-east-1", "ap-south-1").unwrap_err();
    assert!(refused.contains("dynamodb.data_region is missing"), "{refused}");
    let refused = with("https://id.example.com", "headwater-dev").unwrap_err();
    assert!(refused.contains("auth.issuer cannot be headwater-dev"), "{refused}");
    let refused = with(KEY, "AAAA").unwrap_err();
    assert!(
        refused.contains("the text (number 1 of auth.public_keys) is no Ed25519 public key"),
        "{refused}"
    );
    let public_keys = format!("public_keys = [\"{KEY}\"]");
    let refused = with(&public_keys, "jwks = \"http://id.example.com/keys\"").unwrap_err();
    assert!(refused.contains("auth.jwks is not https"), "{refused}");
    assert!(with(&public_keys, "jwks = \"https://id.example.com/keys\"").is_ok());
    let refused = with(KEY, "none.pem").unwrap_err();
    assert!(refused.contains("none.pem cannot be read"), "{refused}");
}

#[test]
fn the_embedded_engine_needs_a_data_folder_and_little_else() {
    let folder = Folder::new();
    let text = "data = \"d\"\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n";
    let config = folder.read(text, &[]).unwrap();
    assert_eq!(config.adapter, Adapter::Embedded);
    assert_eq!(config.search, Search::Tantivy(folder.0.path().join("d/search")));
    assert!(matches!(config.auth, Auth::DevelopmentKey));
}

/// The example as it is, and every line of it that is commented out.
#[test]
fn the_example_is_valid_and_has_every_key() {
    let folder = Folder::new();
    let example = include_str!("../../serve.example.toml");
    let pem = format!("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA{KEY}\n-----END PUBLIC KEY-----\n");
    fs::write(folder.0.path().join("issuer.pem"), pem).unwrap();
    let config = folder.read(example, &[]).unwrap();
    let readme = include_str!("../../../../README.md").split("```toml\n").nth(1).unwrap();
    let shown = folder.read(readme.split("```").next().unwrap(), &[]).unwrap();
    assert_eq!(shown.tenants, config.tenants, "the README's example");
    let usual = folder.read(&least(), &[]).unwrap();
    assert_eq!(config.projector, usual.projector);

    let mut named = Vec::new();
    let mut section = String::new();
    let mut uncommented = String::new();
    for line in example.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        }
        let key = bare.split_once(" = ").map(|(key, _)| key);
        let key = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        named.extend(key.map(|key| format!("{section}{key}")));
        let shows_default = key.is_some() && !bare.ends_with("\"\"");
        uncommented.push_str(if shows_default { bare } else { line });
        uncommented.push('\n');
    }
    let all = keys();
    for key in &all {
        assert!(named.contains(key), "serve.example.toml says nothing of {key}");
    }
    for key in &named {
        assert!(all.contains(key), "serve.example.toml has {key}, which is no key");
    }
    let same = folder.read(&uncommented, &[]).unwrap();
    assert_eq!(same.projector, config.projector);
    assert_eq!(format!("{:?}", same.limits), format!("{:?}", config.limits));
}
