//! `tidings`: serve, publish to, listen to, probe and load, decode and encode event streams.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod decode;
mod duration;
mod encode;
mod exit;
mod listen;
mod output;
mod probe;
mod publish;
mod serve;
mod store;
mod target;

use exit::Failure;

/// Typed events from a backend to the people looking at its pages, from the
/// command line.
///
/// Start a server to try things with, and look at it from a second terminal:
///
///   tidings serve --store memory: --insecure-anyone
///
///   tidings listen http://127.0.0.1:4000/sse --user 42
///
///   tidings publish http://127.0.0.1:4000/publish --user 42 order_shipped '{"order":7}'
///
/// On a terminal the output is for people, in colour unless NO_COLOR is set;
/// otherwise it is one JSON object per line.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    verbatim_doc_comment,
    after_help = "Exit codes: 0 done; 1 it failed; 2 it was asked for wrongly, or nobody answered. \
                  Each command's --help says more."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Listen(listen::Listen),
    Publish(publish::Publish),
    Probe(probe::Probe),
    Bench(bench::Bench),
    Decode(decode::Decode),
    Encode(encode::Encode),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Listen(listen) => listen.run(),
        Command::Publish(publish) => publish.run(),
        Command::Probe(probe) => probe.run(),
        Command::Bench(bench) => bench.run(),
        Command::Decode(decode) => decode.run(),
        Command::Encode(encode) => encode.run(),
    };
    done.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
