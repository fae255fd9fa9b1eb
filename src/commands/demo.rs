//! `pgtend demo`.

use super::Context;
use crate::failure::{Result, exit_code};

/// Take the whole tour on a throwaway server
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// None.
pub async fn run(_context: &Context, _args: &Args) -> Result<u8> {
    Ok(exit_code::DONE)
}
