//! `headwater import products`: streams files as one batch of commands, and waits until what was written can be searched.

use super::{
    import_again::Again,
    import_lines::{self, Product},
    say,
};
use crate::{
    Outcome,
    cli::{Output, Reach},
    reach::{Fresh, Reached, answer},
};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use headwater_kernel::TenantId;
use headwater_runtime::Runtime;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::VecDeque,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Bad lines that are shown; of more, how many there are.
const SHOWN: u64 = 20;
/// Lines that are read ahead.
const AHEAD: usize = 1_024;

/// How many of the last tokens are waited for. The batch runs up to 512 commands at a time, so any of the last 512 may be the last commit.
const LAST: usize = 512;
/// How many tokens of what was written before are waited for, evenly spread: while a search engine is away, what came first may be retried after
/// what came last.
const SPREAD: usize = 512;
/// How many of them are asked for at a time.
const TOGETHER: usize = 16;
/// How long the search may take to show everything, before that is said.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of the lines.
#[derive(Debug, Default, Serialize)]
struct Report {
    written: u64,
    unchanged: u64,
    failed: u64,
    /// Whether the search shows all of it.
    searchable: bool,
    seconds: f64,
}

/// Lines on their way: what was sent and has no result yet, in order.
type Sent = Arc<Mutex<VecDeque<Product>>>;

struct Importer {
    url: String,
    client: reqwest::Client,
    bar: ProgressBar,
    report: Report,
    /// By product the line that it had before and has no more: to be sent again, as a change.
    again: Again,
    tokens: VecDeque<String>,
    spread: Spread,
}

/// Tokens of every so many writes.
#[derive(Default)]
struct Spread {
    tokens: Vec<String>,
    /// Of how many writes one is kept, as a power of two.
    every: u32,
    seen: u64,
}

impl Spread {
    fn see(&mut self, token: String) {
        if self.seen.is_multiple_of(1 << self.every) {
            self.tokens.push(token);
        }
        self.seen += 1;
        if self.tokens.len() > SPREAD {
            self.every += 1;
            let mut at = 0;
            self.tokens.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}

pub(crate) async fn run(
    data: &Path,
    files: Vec<PathBuf>,
    tenant: &TenantId,
    reach: &Reach,
    output: Output,
    runtime: &Runtime,
) -> Result<Outcome> {
    import_lines::check(&files)?;
    let reached = Reached::find(data, reach, Some(tenant), Fresh::Begin, runtime).await?;
    let started = runtime.monotonic();
    let mut importer = Importer {
        url: reached.url.clone(),
        client: reached.client()?,
        bar: bar()?,
        report: Report::default(),
        again: Again::default(),
        tokens: VecDeque::new(),
        spread: Spread::default(),
    };
    let imported = tokio::select! {
        imported = importer.import(files, runtime) => imported,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!(
            "stopped; what was acknowledged is kept, and running the same command again completes it"
        )),
    };
    importer.bar.finish_and_clear();
    importer.tell_of_the_rest();
    reached.close().await;
    let mut report = importer.report;
    report.seconds = (runtime.monotonic() - started).as_secs_f64();
    let Report {
        written,
        unchanged,
        failed,
        searchable,
        seconds,
    } = report;
    match output {
        Output::Json => say(serde_json::to_string(&report)?),
        Output::Text => {
            let then = match (&imported, written, searchable) {
                (Err(_), ..) => "",
                (_, 0, _) => "; nothing was written",
                (_, _, true) => "; all of it can be searched",
                (_, _, false) => "; not all of it can be searched yet, see `headwater projections`",
            };
            say(format_args!(
                "{written} written, {unchanged} unchanged, {failed} failed in {seconds:.1} s{then}"
            ));
        }
    }
    imported?;
    Ok(if failed > 0 || !searchable {
        Outcome::InPart
    } else {
        Outcome::Done
    })
}

/// Progress by bytes read, on a terminal only.
fn bar() -> Result<ProgressBar> {
    let bar = ProgressBar::new_spinner();
    bar.set_draw_target(if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    bar.set_style(ProgressStyle::with_template(
        "{spinner} {human_pos} products, {per_sec} {msg}",
    )?);
    Ok(bar)
}

/// What a problem says, with the places that its detail does not name already.
fn why(problem: &Value) -> String {
    let mut why = problem["detail"].as_str().unwrap_or("it was refused").to_owned();
    for error in problem["errors"].as_array().into_iter().flatten() {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        if !why.contains(text("detail")) {
            why = format!("{why} {}: {}", text("pointer"), text("detail"));
        }
    }
    why
}

impl Importer {
    async fn import(&mut self, files: Vec<PathBuf>, runtime: &Runtime) -> Result<()> {
        let (lines, queue) = mpsc::channel::<Product>(AHEAD);
        let (bad, mut bad_lines) = mpsc::unbounded_channel();
        // Reading and unpacking block, so they have a thread; it ends when the queue does.
        let (unread, mut broken) = oneshot::channel();
        std::thread::Builder::new().name("import".into()).spawn(move || {
            let read = files.iter().try_for_each(|file| {
                import_lines::read(file, |line| match line {
                    Ok(product) => lines.blocking_send(product).is_ok(),
                    Err(wrong) => bad.send(wrong).is_ok(),
                })
            });
            // Told before the queue ends, as `lines` is dropped after it.
            let _ = unread.send(read);
        })?;
        let products = futures::stream::unfold(queue, |mut queue| async { Some((queue.recv().await?, queue)) });
        let sent = self.send(products.map(|product| (product, None))).await;
        while let Ok((place, why)) = bad_lines.try_recv() {
            self.fail(&place, &why);
        }
        sent?;
        // A file that cannot be read to its end ends the batch, not the connection: what was sent has its results.
        broken.try_recv().unwrap_or(Ok(()))?;
        let again = std::mem::take(&mut self.again).into_lines();
        if !again.is_empty() {
            let again = again.into_iter().map(|(product, version)| (product, Some(version)));
            self.send(futures::stream::iter(again.collect::<Vec<_>>())).await?;
        }
        self.report.searchable = self.wait_until_searchable(runtime).await?;
        Ok(())
    }

    /// Sends a batch and takes its results as they come.
    async fn send(&mut self, products: impl Stream<Item = (Product, Option<u64>)> + Send + 'static) -> Result<()> {
        let sent = Sent::default();
        let lines = {
            let sent = Arc::clone(&sent);
            products.map(move |(product, after)| {
                let line = product.command(after);
                sent.lock().unwrap_or_else(PoisonError::into_inner).push_back(product);
                Ok::<_, std::convert::Infallible>(Bytes::from(line))
            })
        };
        let url = format!("{}/v1/commands", self.url);
        let lost = format!(
            "the connection to {} was lost; what was acknowledged is kept: run the same command again",
            self.url
        );
        let response = self
            .client
            .post(&url)
            .header("content-type", "application/x-ndjson")
            .body(reqwest::Body::wrap_stream(lines))
            .send()
            .await
            .with_context(|| lost.clone())?;
        if !response.status().is_success() {
            answer(response).await?;
            bail!("the batch was not accepted");
        }
        let mut results = response.bytes_stream();
        let mut rest = Vec::new();
        while let Some(chunk) = results.next().await {
            rest.extend_from_slice(&chunk.with_context(|| lost.clone())?);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let result: Value = serde_json::from_slice(&line).context("a result is not JSON")?;
                let product = sent.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                match product {
                    Some(product) => self.take(product, &result),
                    None => bail!(
                        "the batch broke: {}",
                        result["problem"]["detail"].as_str().unwrap_or("no reason given")
                    ),
                }
            }
        }
        let open = sent.lock().unwrap_or_else(PoisonError::into_inner).len();
        if open > 0 {
            bail!("{open} lines had no result; {lost}");
        }
        Ok(())
    }

    fn take(&mut self, product: Product, result: &Value) {
        self.bar.inc(1);
        if let Some(problem) = result.get("problem") {
            let why = why(problem);
            self.fail(&product.place, &why);
            return;
        }
        let receipt = &result["receipt"];
        let replayed = result["replayed"].as_bool().unwrap_or(false);
        let (now, then) = (result["current_version"].as_u64(), receipt["version"].as_u64());
        // A line that comes after it in the file is what the product shall be.
        self.report.unchanged += u64::from(self.again.forget(product.id()));
        if let Some(now) = now.filter(|_| replayed && now > then) {
            self.again.note(product, now);
            return;
        }
        let events = receipt["events"].as_array().map_or(0, Vec::len);
        if replayed || events == 0 {
            self.report.unchanged += 1;
            return;
        }
        self.report.written += 1;
        self.tokens.extend(receipt["token"].as_str().map(str::to_owned));
        if self.tokens.len() > LAST
            && let Some(token) = self.tokens.pop_front()
        {
            self.spread.see(token);
        }
    }

    #[allow(clippy::print_stderr, reason = "bad lines are reported where people look")]
    fn fail(&mut self, place: &import_lines::Place, why: &str) {
        self.report.failed += 1;
        if self.report.failed <= SHOWN {
            self.bar.suspend(|| eprintln!("{place}: {why}"));
        }
    }

    #[allow(clippy::print_stderr, reason = "bad lines are reported where people look")]
    fn tell_of_the_rest(&self) {
        if let Some(more) = self.report.failed.checked_sub(SHOWN).filter(|more| *more > 0) {
            eprintln!("and {more} more");
        }
    }

    /// Searches with the last tokens, and with some of those before, until each is answered; `false` when that takes too long.
    async fn wait_until_searchable(&self, runtime: &Runtime) -> Result<bool> {
        let waiting = futures::stream::iter(self.tokens.iter().chain(&self.spread.tokens))
            .map(|token| self.wait_for(token, runtime))
            .buffer_unordered(TOGETHER)
            .try_collect::<()>();
        runtime
            .timeout(PATIENCE, waiting)
            .await
            .map_or(Ok(false), |waited| waited.map(|()| true))
    }

    async fn wait_for(&self, token: &str, runtime: &Runtime) -> Result<()> {
        let url = format!("{}/v1/search/products?limit=1", self.url);
        loop {
            let response = self
                .client
                .get(&url)
                .header("Headwater-Consistency", token)
                .header("Headwater-Wait", "10s")
                .send()
                .await
                .context("everything is written; the search cannot be asked whether it shows it")?;
            if response.status() != reqwest::StatusCode::CONFLICT {
                return answer(response).await.map(drop);
            }
            runtime.sleep(Duration::from_millis(100)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_from_the_whole_import() {
        let mut spread = Spread::default();
        for n in 0..10_000 {
            spread.see(n.to_string());
        }
        let kept: Vec<u64> = spread.tokens.iter().map(|token| token.parse().unwrap()).collect();
        assert!(kept.len() > SPREAD / 2 && kept.len() <= SPREAD, "{}", kept.len());
        assert!(
            kept[0] == 0 && kept.windows(2).all(|two| two[1] - two[0] == 32),
            "{kept:?}"
        );
    }

    #[test]
    fn nothing_is_said_twice() {
        let errors = |detail: &str| serde_json::json!({ "detail": detail, "errors": [{ "pointer": "/sku", "detail": "is no text" }] });
        assert_eq!(why(&errors("/sku: is no text")), "/sku: is no text");
        assert_eq!(
            why(&errors("the payload is wrong")),
            "the payload is wrong /sku: is no text"
        );
    }
}
