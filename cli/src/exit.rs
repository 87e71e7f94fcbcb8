//! How a command ends when it does not end well.

use std::{future::Future, io, process::ExitCode};

/// Why a command stops, by its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// 1: it was asked for rightly and did not work.
    #[error("{0}")]
    Failed(String),
    /// 2: it was asked for wrongly, or nobody answered.
    #[error("{0}")]
    Usage(String),
    /// 0, without a word: whoever read the output has had enough of it, as `head` has.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// Says it on stderr.
    pub(crate) fn report(self) -> ExitCode {
        let code = match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::OutputClosed => return ExitCode::SUCCESS,
        };
        anstream::eprintln!("{}error:{} {self}", crate::output::BAD, crate::output::BAD.render_reset());
        ExitCode::from(code)
    }
}

/// What writing to stdout comes to; reading is told apart by its caller.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Failed(format!("the output cannot be written: {error}"))
        }
    }
}

/// Runs `work` on a runtime of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no runtime could be started: {error}")))?;
    runtime.block_on(work)
}
