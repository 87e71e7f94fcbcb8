//! `cargo xtask bindings`: the contract's TypeScript and fixtures, written anew.

use crate::{
    error::Result,
    run::{Run, step},
};

/// Write bindings/ts and bindings/fixtures anew from the Rust contract.
///
/// Do this after every change of the contract and commit the result: `cargo xtask test` fails while the generated
/// files differ from the contract.
#[derive(Debug, clap::Args)]
pub(crate) struct Bindings {}

impl Bindings {
    #[expect(clippy::unused_self, reason = "every command has this shape")]
    pub(crate) fn run(&self) -> Result {
        step("generate the bindings", || {
            Run::cargo()
                .args(["test", "--quiet", "--package", "tidings-bindings"])
                .env("TIDINGS_REFRESH", "1")
                .go()
        })?;
        println!("see what changed with `git status bindings`, and commit it");
        Ok(())
    }
}
