//! `cargo xtask demo`: the coaching platform on one port.

use std::{fs, net::TcpListener, path::PathBuf};

use crate::{
    cluster,
    error::{Error, Result},
    layout, next, notes, npm,
    run::{Run, step},
    wasm,
};

/// Build whatever is missing and serve the coaching demo: REST, /sse and UI from one process, and beside it the
/// server on which a session's notes are written together.
///
/// The first start on a fresh machine takes some minutes, a second one seconds: steps whose inputs did not change
/// are skipped. The log-ins of the two seeded users are printed at the start. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// The port of http://localhost:<port>.
    #[arg(long, default_value_t = 4000)]
    port: u16,
    /// The port of the shared notes; by default the one after --port.
    #[arg(long)]
    notes_port: Option<u16>,
    /// Instead three instances on one Redis behind HAProxy, and a page on which each of them can be killed.
    #[arg(long, conflicts_with_all = ["notes_port", "fresh"])]
    cluster: bool,
    /// Begin with an empty database and empty notes: all that was entered in the demo is deleted.
    #[arg(long)]
    fresh: bool,
}

impl Demo {
    pub(crate) fn run(&self) -> Result {
        if self.cluster {
            port_is_free(self.port, "--port")?;
            npm::node_ready()?;
            return cluster::demo(self.port);
        }
        let notes_port = self.notes_port.unwrap_or_else(|| self.port.wrapping_add(1));
        port_is_free(self.port, "--port")?;
        port_is_free(notes_port, "--notes-port")?;
        npm::node_ready()?;
        let coaching = build_coaching()?;
        wasm::packages()?;
        next::export()?;
        notes::ready()?;
        let database = layout::target("demo")?.join("coaching.sqlite");
        let texts = layout::path("target/demo/notes");
        if self.fresh {
            forget(&database)?;
            layout::clear(&texts)?;
        }
        let app = format!("http://127.0.0.1:{}", self.port);
        let notes = notes::server(notes_port, &app, &texts)?.beside()?;
        Run::new(coaching)
            .stdin(notes)
            .args(["--notes-port", &notes_port.to_string()])
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--assets")
            .arg(layout::path(next::APP).join("out"))
            .arg("--database")
            .arg(database)
            .become_it()
    }
}

/// Asked before minutes of building rather than after.
fn port_is_free(port: u16, option: &str) -> Result {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::unmet(
            format!("port {port} cannot be used ({error})"),
            format!("end the program that listens there, or choose another with {option}"),
        )),
    }
}

/// Builds the demo's server and tells where its binary is.
fn build_coaching() -> Result<PathBuf> {
    step("build the coaching server", || Run::cargo().args(["build", "--package", "coaching"]).go())?;
    Ok(layout::path("target/debug").join(format!("coaching{}", std::env::consts::EXE_SUFFIX)))
}

/// Deletes the database with the files SQLite keeps beside it.
fn forget(database: &std::path::Path) -> Result {
    for suffix in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{suffix}", database.display()));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file(file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
