//! OpenSearch's package, from Maven Central: Maven and the repository are needed the first time. `OPENSEARCH_VERSION` names another version than the
//! usual one, such as 2.19.3; `OPENSEARCH_HOME` the folder of a distribution that is there, without the security plugin.
//!
//! The package of a 2.x has none of the modules but the one for HTTP. Scripts and analysis are published beside it, as libraries: they are put
//! where the distribution has them.

use crate::package::{fetched, run};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The version whose behaviour is known.
const VERSION: &str = "3.8.0";
/// GeoIP data (70 MB), gRPC, Dashboards, installers.
const WITHOUT: &str = "**/lib/tools/**,**/modules/ingest-geoip/**,**/modules/ingest-user-agent/**,**/modules/opensearch-dashboards/**,\
                       **/modules/transport-grpc/**,**/bin/*.exe,**/bin/*.bat";
/// Fetches before it is given up.
const FETCHES: usize = 3;
const NEEDED: &str =
    "Maven is needed for tests against OpenSearch (Debian: apt-get install maven), and Maven Central the first time";
/// Modules that are added where the package has them not: the name, its class, and the module that it extends.
const MODULES: [(&str, &str, &str); 2] = [
    ("lang-painless", "org.opensearch.painless.PainlessPlugin", ""),
    (
        "analysis-common",
        "org.opensearch.analysis.common.CommonAnalysisPlugin",
        "lang-painless",
    ),
];
/// Whose libraries the modules need beside the node's own.
const LIBRARIES: &str = "org.opensearch.plugin,org.antlr,org.ow2.asm";
/// What the distribution lets its scripts do: load the classes that they become.
const SCRIPTS_MAY: &str = "grant {
  permission java.lang.RuntimePermission \"createClassLoader\";
  permission java.lang.RuntimePermission \"getClassLoader\";
};
";

/// The folder of the version that is asked for; fetched if it is not there.
///
/// # Panics
/// When it cannot be fetched; the message says what to do.
pub(super) fn home() -> PathBuf {
    if let Some(home) = env::var_os("OPENSEARCH_HOME") {
        return PathBuf::from(home);
    }
    let version = env::var("OPENSEARCH_VERSION").unwrap_or_else(|_| VERSION.to_owned());
    let engine = if version == VERSION {
        "opensearch".to_owned()
    } else {
        format!("opensearch-{version}")
    };
    let content = fetched(&engine, &version, |folder| fetch(&version, folder));
    content.join(format!("opensearch-{version}"))
}

fn fetch(version: &str, folder: &Path) {
    let mut unpack = maven("unpack", folder.parent().expect("the folder of the engine"));
    unpack.arg(format!(
        "-Dartifact=org.opensearch.distribution.integ-test-zip:opensearch:{version}:zip"
    ));
    unpack.arg(format!("-DoutputDirectory={}", folder.display()));
    unpack.arg(format!("-Dmdep.unpack.excludes={WITHOUT}"));
    patiently(unpack);
    let modules = folder.join(format!("opensearch-{version}/modules"));
    if !modules.join(MODULES[0].0).exists() {
        add_modules(version, folder, &modules);
    }
}

/// Puts those modules there that 2.x publishes apart from its package.
fn add_modules(version: &str, folder: &Path, modules: &Path) {
    let dependency = |(name, ..): (&str, &str, &str)| {
        format!(
            "<dependency><groupId>org.opensearch.plugin</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        )
    };
    let project = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>headwater</groupId><artifactId>modules</artifactId><version>1</version>\
         <dependencies>{}</dependencies></project>",
        MODULES.map(dependency).concat()
    );
    fs::write(folder.join("pom.xml"), project).expect("a project of the modules");
    let mut copy = maven("copy-dependencies", folder);
    copy.arg(format!("-DincludeGroupIds={LIBRARIES}"));
    copy.arg(format!("-DoutputDirectory={}", folder.join("libraries").display()));
    patiently(copy);
    for (name, class, extends) in MODULES {
        fs::create_dir_all(modules.join(name)).expect("a folder of a module");
        let descriptor = format!(
            "description={name}\nversion={version}\nname={name}\nclassname={class}\njava.version=11\nopensearch.version={version}\n\
             custom.foldername=\nextended.plugins={extends}\nhas.native.controller=false\n"
        );
        fs::write(modules.join(name).join("plugin-descriptor.properties"), descriptor).expect("a descriptor");
    }
    let scripts = modules.join(MODULES[0].0);
    fs::write(scripts.join("plugin-security.policy"), SCRIPTS_MAY).expect("a policy");
    // Each library once: what a module extends it sees.
    for library in fs::read_dir(folder.join("libraries")).expect("libraries").flatten() {
        let name = library.file_name();
        let own = name.to_string_lossy().starts_with(MODULES[1].0);
        let to = if own {
            modules.join(MODULES[1].0)
        } else {
            scripts.clone()
        };
        fs::rename(library.path(), to.join(&name)).expect("a library of a module");
    }
}

/// A goal of Maven's plugin for dependencies, run in a folder where it may leave notes of what it did.
fn maven(goal: &str, folder: &Path) -> Command {
    let mut command = Command::new("mvn");
    command.args(["-q", "-B"]).arg(format!(
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:{}",
        goal
    ));
    command.current_dir(folder);
    command
}

/// More than once, as repositories fail now and then.
fn patiently(mut command: Command) {
    for _ in 1..FETCHES {
        if command.output().is_ok_and(|output| output.status.success()) {
            return;
        }
    }
    run(&mut command, NEEDED);
}
