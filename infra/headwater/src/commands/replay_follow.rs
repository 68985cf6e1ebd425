//! Watching a replay until it has ended, with a bar and an estimate on a terminal.

use super::table::cell;
use crate::reach::ask;
use anyhow::{Result, bail};
use headwater_runtime::Runtime;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::{io::IsTerminal, time::Duration};

/// How often it is asked.
const EVERY: Duration = Duration::from_millis(300);
/// How often an answer may fail to come, one after the other: the process that is asked may be starting anew.
const FAILURES: u32 = 100;

/// How the replay that makes `generation` ended: its last progress; `{}` when its generation is gone.
pub(super) async fn follow(
    client: &reqwest::Client,
    url: reqwest::Url,
    generation: u64,
    runtime: &Runtime,
) -> Result<Value> {
    let bar = ProgressBar::new(0);
    bar.set_draw_target(if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    bar.set_style(ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}")?);
    let mut failures = 0;
    loop {
        let told = match ask(client.get(url.clone())).await {
            Ok(told) => told,
            Err(error) if failures == FAILURES => return Err(error),
            Err(error) => {
                failures += 1;
                bar.set_message(format!("{error:#}; asking again"));
                runtime.sleep(EVERY).await;
                continue;
            }
        };
        failures = 0;
        let Some(all) = told["items"].as_array() else {
            bail!("the answer has no items; is that a Headwater?")
        };
        let progress = all.iter().find(|one| one["replay"]["generation"] == json!(generation));
        let state = progress.and_then(|one| one["state"].as_str());
        match (progress, state) {
            (Some(progress), Some("kept" | "check-failed")) => {
                bar.finish_and_clear();
                return Ok(progress.clone());
            }
            (None, _) => {
                bar.finish_and_clear();
                return Ok(json!({}));
            }
            (Some(progress), _) => show(&bar, progress),
        }
        runtime.sleep(EVERY).await;
    }
}

fn show(bar: &ProgressBar, progress: &Value) {
    bar.set_length(progress["commits_about"].as_u64().unwrap_or_default().max(1));
    bar.set_position(progress["commits"].as_u64().unwrap_or_default());
    let left = progress["seconds_left"].as_u64().map(|seconds| match seconds {
        0..120 => format!(", about {seconds} s left"),
        _ => format!(", about {} min left", seconds / 60),
    });
    let problem = progress["problem"].as_str().map(|problem| format!("; {problem}"));
    bar.set_message(format!(
        "{}: {} rows, {:.0} write units{}{}",
        cell(progress, "state"),
        cell(progress, "rows"),
        progress["write_units"].as_f64().unwrap_or_default(),
        left.unwrap_or_default(),
        problem.unwrap_or_default()
    ));
}
