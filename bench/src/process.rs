//! A subject as a process: started on a core of its own, commanded, measured, and ended.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{Child, Command as Process, Stdio},
    time::Duration,
};

use clap::ValueEnum;

use crate::{cost, subject::Command, swarm::Target};

/// What asks for an event stream.
pub const ACCEPT: &str = "accept: text/event-stream\r\n";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// A bare loop over epoll.
    Floor,
    /// Our server.
    Tidings,
    /// Our server, each stream as a body that hyper polls.
    Portable,
    /// A body of shared bytes under hyper.
    Hyper,
}

impl Subject {
    /// As it stands in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Tidings => "tidings",
            Self::Portable => "tidings, hyper body",
            Self::Hyper => "hyper, bare body",
        }
    }

    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A running subject.
#[derive(Debug)]
pub struct Running {
    child: Child,
    subject: Subject,
    stream: u16,
    control: TcpStream,
    answers: BufReader<TcpStream>,
}

/// A subject that uses less than a fiftieth of this in this time is idle.
const QUIET: Duration = Duration::from_millis(200);

/// How long a subject may take to obey.
const OBEYS_WITHIN: Duration = Duration::from_secs(30);

impl Running {
    /// Starts this program again as `subject`, on the core `cpu`, or wherever the system likes, with so many
    /// `workers` where it has threads to choose.
    ///
    /// # Errors
    /// It did not start.
    pub fn start(subject: Subject, cpu: Option<usize>, workers: Option<usize>) -> io::Result<Self> {
        let mut process = Process::new(env::current_exe()?);
        process.args(["subject", &subject.word()]);
        for (flag, value) in [("--cpu", cpu), ("--workers", workers)] {
            if let Some(value) = value {
                process.args([flag, &value.to_string()]);
            }
        }
        let mut child = process.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut ports = line.split_whitespace().filter_map(|port| port.parse().ok());
        let (Some(stream), Some(control)) = (ports.next(), ports.next()) else {
            return Err(io::Error::other(format!("{} did not say its ports", subject.name())));
        };
        let control = TcpStream::connect((Ipv4Addr::LOCALHOST, control))?;
        control.set_nodelay(true)?;
        control.set_read_timeout(Some(OBEYS_WITHIN))?;
        let answers = BufReader::new(control.try_clone()?);
        Ok(Self { child, subject, stream, control, answers })
    }

    /// The address of its streams.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.stream).into()
    }

    /// A target for a swarm.
    pub fn streams(&self, headers: &str) -> Target {
        // Without it, a request for a stream of ours is hyper's.
        let accept = if self.subject == Subject::Portable { "" } else { ACCEPT };
        Target {
            address: self.address(),
            host: "localhost".into(),
            path: "/sse?user=u{reader}&group=g{group}".into(),
            headers: format!("{accept}{headers}"),
        }
    }

    /// Tells it to send, and goes on at once.
    ///
    /// # Errors
    /// It has gone.
    pub fn tell(&mut self, command: &Command) -> io::Result<()> {
        self.control.write_all(format!("{command}\n").as_bytes())
    }

    /// Waits until it has sent what it was told; the numbers that it answers with.
    ///
    /// # Errors
    /// It has gone, or does not obey.
    pub fn obeyed(&mut self) -> io::Result<Vec<f64>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let numbers = line.trim_end().strip_prefix("ok").map(|rest| rest.split_whitespace().map(str::parse));
        let numbers = numbers.and_then(|numbers| numbers.collect::<Result<_, _>>().ok());
        numbers.ok_or_else(|| io::Error::other(format!("it answered {line:?}")))
    }

    /// CPU time it has used.
    ///
    /// # Errors
    /// It has gone.
    pub fn cpu(&self) -> io::Result<Duration> {
        cost::cpu(self.child.id())
    }

    /// Waits until it has nothing left to do.
    ///
    /// # Errors
    /// It has gone.
    pub fn settle(&self) -> io::Result<()> {
        let mut used = self.cpu()?;
        loop {
            std::thread::sleep(QUIET);
            let now = self.cpu()?;
            if now.saturating_sub(used) < QUIET / 50 {
                return Ok(());
            }
            used = now;
        }
    }

    /// Memory it holds.
    ///
    /// # Errors
    /// It has gone.
    pub fn memory(&self) -> io::Result<u64> {
        cost::memory(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
