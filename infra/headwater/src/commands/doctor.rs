use crate::{Outcome, cli::Output};
pub(crate) async fn run(
    _: Option<&std::path::Path>,
    _: Option<std::path::PathBuf>,
    _: Output,
    _: &headwater_runtime::Runtime,
) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
