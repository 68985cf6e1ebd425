//! Fetching an engine once for all tests of a target folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of an engine below the target folder, with `package` in it: `fetch` puts it there when it is missing. A file lock keeps tests
/// that run at the same time from doing it twice.
///
/// # Panics
/// As `fetch` does.
pub(crate) fn fetched(engine: &str, package: &str, fetch: impl FnOnce(&PathBuf)) -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    // target/<profile>/<program>, target/<profile>/deps/<test>
    let profile = program.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let target = profile.and_then(Path::parent).expect("it runs in the target folder");
    let folder = target.join("engines").join(engine);
    fs::create_dir_all(&folder).expect("a folder for engines");
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let (content, done) = (folder.join("content"), folder.join("fetched"));
    if fs::read_to_string(&done).is_ok_and(|fetched| fetched == package) && content.exists() {
        return content;
    }
    eprintln!("fetching {package} into {}", folder.display());
    let _ = fs::remove_dir_all(&content);
    fetch(&content);
    fs::write(&done, package).expect("a note of what is there");
    content
}

/// Runs a command to its end; `otherwise` says what is needed for it.
///
/// # Panics
/// When it cannot be started or fails, with what it said.
pub(crate) fn run(command: &mut Command, otherwise: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{otherwise}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("{otherwise}: {error}"),
    }
}

/// Makes a virtualenv with one package of PyPI in it.
///
/// # Panics
/// When it cannot; the message says what is missing.
pub(crate) fn virtualenv(folder: &Path, engine: &str, package: &str) {
    run(
        Command::new("python3").args(["-m", "venv"]).arg(folder),
        &format!("python3 with venv is needed for tests against {engine} (Debian: apt-get install python3-venv)"),
    );
    run(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(package),
        &format!("pip could not install {engine}; it needs the package index, the first time"),
    );
}
