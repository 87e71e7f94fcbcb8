//! The project's own commands: `cargo xtask <command>`.
//!
//! One command per file; what several of them share (running a program, skipping what did not change, finding
//! a tool) has a file each below them. Nothing here knows the contract or the wire.

mod error;
mod layout;
mod run;
mod stamp;

mod chromium;
mod cluster;
mod compiler;
mod debian;
mod npm;
mod paths;
mod postgres;
mod tools;

mod apt;
mod bench;
mod binaries;
mod bindings;
mod chaos;
mod consumers;
mod demo;
mod fuzz;
mod next;
mod notes;
mod size;
mod stage;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Test(test::Test),
    Bindings(bindings::Bindings),
    Wasm(wasm::Wasm),
    Size(size::Size),
    Fuzz(fuzz::Fuzz),
    Chaos(chaos::Chaos),
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Test(test) => test.run(),
        Command::Bindings(bindings) => bindings.run(),
        Command::Wasm(wasm) => wasm.run(),
        Command::Size(size) => size.run(),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Chaos(chaos) => chaos.run(),
        Command::Bench(bench) => bench.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent_and_every_command_says_what_it_does() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands() {
            assert!(subcommand.get_about().is_some(), "{} has no help", subcommand.get_name());
            for argument in subcommand.get_arguments() {
                assert!(argument.get_help().is_some(), "{} has no help", argument.get_id());
            }
        }
    }
}
