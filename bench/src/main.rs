//! `cargo xtask bench`: the scenarios over the subjects.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use tidings_bench::{
    chart,
    count::Path,
    process::Subject,
    report::Report,
    scenario::{self, Setup},
    subject,
    swarm::SwarmError,
};

#[derive(Debug, Parser)]
#[command(name = "tidings-bench", about = "What a delivered event costs, beside a floor")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the scenarios and prints the table.
    Run(Run),
    /// Goes a path so many times; whoever counts its instructions runs this below valgrind.
    Count {
        /// Which.
        #[arg(required_unless_present = "list")]
        path: Option<Path>,
        /// How often.
        #[arg(default_value_t = 1)]
        times: u32,
        /// Print the names of all.
        #[arg(long)]
        list: bool,
    },
    /// Serves, as one of those that are measured.
    #[command(hide = true)]
    Subject {
        /// Which.
        subject: Subject,
        /// The core to run on.
        #[arg(long)]
        cpu: Option<usize>,
        /// Worker threads.
        #[arg(long)]
        workers: Option<usize>,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// What is measured beside the floor.
    #[arg(long, value_delimiter = ',', default_value = "tidings,portable,hyper")]
    subjects: Vec<Subject>,
    /// Open streams per subject, one run each.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    connections: Vec<usize>,
    /// Only scenarios whose name begins so: fan-out, paced, slow, replay, churn.
    #[arg(long)]
    only: Option<String>,
    /// Worker threads of the servers, on all cores instead of one.
    #[arg(long)]
    workers: Option<usize>,
    /// Writes all numbers here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes the picture here.
    #[arg(long)]
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(run) => run.run().map_err(|error| error.to_string()),
        Command::Count { path: Some(path), times, list: false } => {
            path.go(times).map_err(|error| error.to_string())
        }
        Command::Count { .. } => {
            Path::ALL.into_iter().for_each(|path| println!("{}", path.name()));
            Ok(())
        }
        Command::Subject { subject, cpu, workers } => {
            serve(subject, cpu, workers).map_err(|error| error.to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn run(self) -> Result<(), SwarmError> {
        let files = open_as_many_files_as_allowed()?;
        let cores = std::thread::available_parallelism()?.get();
        let cpu = self.workers.is_none().then_some(0);
        if cpu.is_some() && cores > 1 {
            pin(1)?;
        }
        let setup = Setup { cpu, workers: self.workers };
        let mut subjects = vec![Subject::Floor];
        subjects.extend(self.subjects.iter().filter(|subject| **subject != Subject::Floor));
        let wanted = |name: &str| self.only.as_deref().is_none_or(|only| name.starts_with(only));
        let mut results = Vec::new();
        // All readers of one scenario are this process's.
        let fit = |connections: usize| connections.min((files - 200) / subjects.len());
        if wanted("fan-out") {
            for connections in &self.connections {
                results.extend(scenario::fan_out(&subjects, setup, fit(*connections))?);
            }
        }
        if wanted("paced") {
            results.extend(scenario::paced(&subjects, setup, fit(1_000))?);
        }
        if wanted("slow") {
            results.extend(scenario::slow_readers(&subjects, setup, fit(1_000))?);
        }
        let ours: Vec<_> =
            subjects.iter().filter(|one| matches!(one, Subject::Tidings | Subject::Portable)).collect();
        if wanted("replay") {
            for subject in ours {
                results.extend(scenario::replay_storm(*subject, setup, 10_000.min((files - 200) / 2))?);
            }
        }
        if wanted("churn") {
            results.extend(scenario::churn(&subjects, setup, 8_000)?);
        }
        let lost = results.iter().map(|measured| measured.wrong).sum();
        let report = Report { cores, ..Report::new(results) };
        print!("{}", report.table());
        if let Some(path) = self.json {
            fs::write(path, serde_json::to_vec_pretty(&report).map_err(io::Error::other)?)?;
        }
        if let Some(path) = self.svg {
            fs::write(path, chart::draw(&report))?;
        }
        if lost > 0 { Err(SwarmError::Wrong(lost)) } else { Ok(()) }
    }
}

fn serve(subject: Subject, cpu: Option<usize>, workers: Option<usize>) -> io::Result<()> {
    open_as_many_files_as_allowed()?;
    if let Some(cpu) = cpu {
        pin(cpu)?;
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all();
    if let Some(workers) = workers.or(cpu.map(|_| 1)) {
        builder.worker_threads(workers);
    }
    match subject {
        Subject::Floor => subject::floor::run(),
        Subject::Tidings | Subject::Portable => builder.build()?.block_on(subject::hub::run()),
        Subject::Hyper => builder.build()?.block_on(subject::hyper::run()),
    }
}

/// Lets this process run on one core only, as on the smallest server there is.
fn pin(cpu: usize) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

fn open_as_many_files_as_allowed() -> io::Result<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let allowed = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: allowed, maximum: allowed })?;
    Ok(allowed.map_or(1_000_000, |allowed| usize::try_from(allowed).unwrap_or(usize::MAX)))
}
