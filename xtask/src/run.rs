//! Runs a program and tells what it is doing.

use std::{
    ffi::OsStr,
    path::Path,
    process::{ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Does one step of a command, with its name before it and its minutes behind it.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name} …");
    let started = Instant::now();
    let value = work()?;
    println!("==> {name} ({})", minutes(started.elapsed()));
    Ok(value)
}

/// A duration as every message shows it.
pub(crate) fn minutes(elapsed: Duration) -> String {
    format!("{:.1} min", elapsed.as_secs_f64() / 60.0)
}

/// One program about to be run: what it is, how it is shown, what to do when it fails.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    shown: String,
    advice: String,
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let shown = Path::new(program.as_ref()).file_name().map_or_else(
            || program.as_ref().to_string_lossy().into_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let mut command = Command::new(program);
        command.current_dir(crate::layout::root());
        Self { command, shown, advice: "read its output above, repair the cause, repeat the command".into() }
    }

    /// `cargo`, with its progress left to itself.
    pub(crate) fn cargo() -> Self {
        Self::new("cargo")
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown = format!("{} {}", self.shown, shown(&argument.as_ref().to_string_lossy()));
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What the reader should do when this fails.
    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Runs it in the foreground.
    pub(crate) fn go(mut self) -> Result {
        println!("    $ {}", self.shown);
        let status = self.command.status().map_err(|source| self.absent(source))?;
        self.judge(status)
    }

    /// Runs it and returns what it printed; its errors stay visible.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|source| self.absent(source))?;
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether it succeeds, asked in silence.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }

    /// Whether it succeeds within `limit`; past it, it is ended.
    pub(crate) fn succeeds_within(mut self, limit: Duration) -> bool {
        println!("    $ {}", self.shown);
        let Ok(mut child) = self.command.stdin(Stdio::null()).spawn() else { return false };
        let deadline = Instant::now() + limit;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
            }
        }
    }

    /// Starts it beside what comes next. It is to end when its stdin does: whoever holds what this returns, and be it
    /// as its own stdin that it never writes to, takes it along however it ends.
    pub(crate) fn beside(mut self) -> Result<ChildStdin> {
        println!("    $ {} &", self.shown);
        let mut child = self.command.stdin(Stdio::piped()).spawn().map_err(|source| self.absent(source))?;
        child.stdin.take().ok_or_else(|| Error::unmet("a program has no stdin", "repeat the command"))
    }

    pub(crate) fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Becomes the program, so that signals and the exit code are its own. Returns only on failure.
    #[cfg(unix)]
    pub(crate) fn become_it(mut self) -> Result {
        use std::os::unix::process::CommandExt as _;
        println!("    $ {}", self.shown);
        let source = self.command.exec();
        Err(self.absent(source))
    }

    /// Runs the program and waits for it, where a process cannot become another.
    #[cfg(not(unix))]
    pub(crate) fn become_it(self) -> Result {
        self.go()
    }

    fn judge(&self, status: ExitStatus) -> Result {
        if status.success() {
            return Ok(());
        }
        Err(Error::Command {
            command: self.shown.clone(),
            status: status.to_string(),
            advice: self.advice.clone(),
        })
    }

    fn absent(&self, source: std::io::Error) -> Error {
        let program = self.command.get_program().to_string_lossy().into_owned();
        let advice = match program.as_str() {
            "node" | "npm" => {
                "install Node 20 or newer with npm (Debian: `apt-get install nodejs npm`)".into()
            }
            "cargo" | "rustc" | "rustup" => "install Rust with rustup (https://rustup.rs)".into(),
            _ => self.advice.clone(),
        };
        Error::Absent { program, source, advice }
    }
}

/// An argument as messages show it: paths of the checkout from its root, on which every command is run again.
fn shown(argument: &str) -> String {
    let root = format!("{}/", crate::layout::root().display());
    argument.strip_prefix(&root).unwrap_or(argument).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Run, minutes, shown};
    use crate::error::Error;

    #[test]
    fn a_failing_program_is_named_with_its_arguments_and_the_advice() {
        let outcome = Run::new("/bin/sh").args(["-c", "exit 3"]).advice("look").go();
        let Err(Error::Command { command, status, advice }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((command.as_str(), advice.as_str()), ("sh -c exit 3", "look"));
        assert!(status.contains('3'));
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let outcome = Run::new("no-such-program").advice("install it").go();
        let Err(Error::Absent { program, advice, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((program.as_str(), advice.as_str()), ("no-such-program", "install it"));
    }

    #[test]
    fn a_program_past_its_limit_is_ended() {
        assert!(!Run::new("sleep").arg("600").succeeds_within(Duration::from_millis(1)));
        assert!(Run::new("true").succeeds_within(Duration::from_secs(60)));
    }

    #[test]
    fn a_path_of_the_checkout_is_shown_from_its_root() {
        let path = crate::layout::path("target/npm");
        assert_eq!(shown(&path.to_string_lossy()), "target/npm");
        assert_eq!(shown("--package"), "--package");
    }

    #[test]
    fn minutes_have_one_digit() {
        assert_eq!(minutes(Duration::from_secs(75)), "1.2 min");
    }
}
