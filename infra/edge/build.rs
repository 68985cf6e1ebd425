//! Compiles the protocol with protox, so that no protoc has to be installed.

use prost::Message;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = [
        "google/rpc/error_details.proto",
        "headwater/v1/admin.proto",
        "headwater/v1/command.proto",
        "headwater/v1/query.proto",
        "headwater/v1/schema.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("headwater.v1.bin"),
        descriptors.encode_to_vec(),
    )?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
