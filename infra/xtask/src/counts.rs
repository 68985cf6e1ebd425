//! One line of counts over all test binaries of a run, for people and for CI.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// Reads the output of `cargo test` and prints `N passed, N failed, N skipped`.
#[allow(clippy::print_stdout, reason = "this is the output")]
pub(crate) fn print(output: &Path) -> Result<()> {
    let text = std::fs::read_to_string(output).with_context(|| format!("cannot read {}", output.display()))?;
    let [passed, failed, skipped] = count(&text);
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 || passed == 0 {
        bail!("the tests did not pass");
    }
    Ok(())
}

fn count(text: &str) -> [u64; 3] {
    let mut sums = [0; 3];
    for line in text
        .lines()
        .filter(|line| line.trim_start().starts_with("test result:"))
    {
        for (sum, name) in sums.iter_mut().zip([" passed", " failed", " ignored"]) {
            let number = line.split(name).next().and_then(|before| before.rsplit(' ').next());
            *sum += number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_all_binaries() {
        let text = "\
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
noise
test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(super::count(text), [13, 2, 1]);
    }
}
