//! Skips a step whose inputs and outputs are as it left them.
//!
//! Contents are compared, not times: a checkout, a branch switch or a copied cache touches times without changing
//! anything, and an output that somebody else rebuilt is noticed.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    layout,
    run::step,
};

/// What no step reads below its input folders: what is made or fetched there (each is an output of some step of its
/// own), and the end-to-end tests.
const PASSED_OVER: [&str; 9] =
    [".git", ".next", "e2e", "next-env.d.ts", "node_modules", "out", "pkg", "target", "tsconfig.tsbuildinfo"];

/// What a step reads and what it makes.
#[derive(Debug)]
pub(crate) struct Stamp {
    /// The step's name, for people and for the stamp's file.
    name: &'static str,
    folder: PathBuf,
    inputs: Vec<PathBuf>,
    facts: Vec<String>,
    outputs: Vec<PathBuf>,
    present: Vec<PathBuf>,
}

impl Stamp {
    pub(crate) fn new(name: &'static str) -> Result<Self> {
        Ok(Self::below(layout::target("xtask")?, name))
    }

    fn below(folder: PathBuf, name: &'static str) -> Self {
        Self { name, folder, inputs: Vec::new(), facts: Vec::new(), outputs: Vec::new(), present: Vec::new() }
    }

    /// A file or folder read by the step. Names of [`PASSED_OVER`] below it do not
    /// count; one given here itself does.
    pub(crate) fn input(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(path.into());
        self
    }

    /// Something else that decides the outcome, such as a tool's version.
    pub(crate) fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    /// A file or folder that the step leaves behind.
    pub(crate) fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.outputs.push(path.into());
        self
    }

    /// A folder that the step leaves behind and that others change or that is too large to read.
    pub(crate) fn present(mut self, path: impl Into<PathBuf>) -> Self {
        self.present.push(path.into());
        self
    }

    /// Does the work unless nothing changed since it last succeeded.
    pub(crate) fn unless_unchanged(&self, work: impl FnOnce() -> Result) -> Result {
        let file = self.folder.join(format!("{}.stamp", self.name.replace([' ', '/'], "-")));
        if self.missing().is_none()
            && fs::read_to_string(&file).is_ok_and(|stamp| self.value().is_ok_and(|now| now == stamp))
        {
            println!("==> {} (unchanged)", self.name);
            return Ok(());
        }
        let _ = fs::remove_file(&file);
        step(self.name, work)?;
        if let Some(missing) = self.missing() {
            return Err(Error::unmet(
                format!("{} left no {}", self.name, missing.display()),
                "its build script no longer writes what the next step reads: compare the two",
            ));
        }
        fs::write(&file, self.value()?).map_err(Error::file(file))
    }

    fn missing(&self) -> Option<&PathBuf> {
        self.outputs.iter().chain(&self.present).find(|output| !output.exists())
    }

    fn value(&self) -> Result<String> {
        let mut inputs = DefaultHasher::new();
        self.facts.hash(&mut inputs);
        hash_all(&self.inputs, &PASSED_OVER, &mut inputs)?;
        let mut outputs = DefaultHasher::new();
        hash_all(&self.outputs, &[], &mut outputs)?;
        Ok(format!("{:016x} {:016x}\n", inputs.finish(), outputs.finish()))
    }
}

fn hash_all(paths: &[PathBuf], without: &[&str], hasher: &mut DefaultHasher) -> Result {
    paths.iter().try_for_each(|path| hash(path, without, hasher))
}

/// Names and contents below `path`, in name order, passing over the names in `without`. A missing path is a state like any other.
fn hash(path: &Path, without: &[&str], hasher: &mut DefaultHasher) -> Result {
    path.file_name().hash(hasher);
    if !path.is_dir() {
        return match fs::read(path) {
            Ok(content) => {
                content.hash(hasher);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                "absent".hash(hasher);
                Ok(())
            }
            Err(error) => Err(Error::file(path)(error)),
        };
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(Error::file(path))? {
        entries.push(entry.map_err(Error::file(path))?.path());
    }
    entries.retain(|entry| !entry.file_name().is_some_and(|name| without.iter().any(|made| name == *made)));
    entries.sort();
    entries.len().hash(hasher);
    hash_all(&entries, without, hasher)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs, path::PathBuf};

    use super::Stamp;

    /// A folder of its own per test, empty at the start.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tidings-xtask-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("in/node_modules")).expect("the temporary folder is writable");
        folder
    }

    /// Runs the step once per change and tells which of the runs worked.
    fn check(name: &str, changes: &[(&str, &str)]) -> Vec<bool> {
        let folder = scratch(name);
        fs::write(folder.join("in/source"), "one").expect("the scratch folder is writable");
        let stamp =
            || Stamp::below(folder.clone(), "step").input(folder.join("in")).output(folder.join("made"));
        let run = || {
            let worked = Cell::new(false);
            let done = stamp().unless_unchanged(|| {
                worked.set(true);
                fs::write(folder.join("made"), "result").expect("the scratch folder is writable");
                Ok(())
            });
            assert!(done.is_ok(), "{done:?}");
            worked.get()
        };
        let mut worked = vec![run()];
        for (file, content) in changes {
            fs::write(folder.join(file), content).expect("the scratch folder is writable");
            worked.push(run());
        }
        fs::remove_dir_all(&folder).expect("the scratch folder is ours");
        worked
    }

    #[test]
    fn an_unchanged_step_is_skipped_even_when_its_input_was_touched() {
        assert_eq!(check("touched", &[("in/source", "one")]), [true, false]);
    }

    #[test]
    fn a_changed_input_a_new_file_and_a_foreign_output_are_noticed() {
        let changes = [("in/source", "two"), ("in/new", ""), ("made", "by somebody else")];
        assert_eq!(check("changed", &changes), [true, true, true, true]);
    }

    #[test]
    fn what_was_fetched_into_the_input_folder_does_not_count() {
        assert_eq!(check("fetched", &[("in/node_modules/package", "new")]), [true, false]);
    }

    #[test]
    fn a_failed_step_runs_again() {
        let folder = scratch("failed");
        let stamp = Stamp::below(folder.clone(), "step").output(folder.join("made"));
        let failed = stamp.unless_unchanged(|| Err(crate::error::Error::unmet("broken", "repair it")));
        assert!(failed.is_err());
        let forgot = stamp.unless_unchanged(|| Ok(()));
        assert!(forgot.is_err(), "an output that was not made is a failure");
        fs::remove_dir_all(&folder).expect("the scratch folder is ours");
    }

    #[test]
    fn another_fact_is_another_outcome() {
        let value = |version: &str| {
            let stamp = Stamp::below(PathBuf::new(), "step").fact(version);
            stamp.value().expect("nothing is read")
        };
        assert_ne!(value("0.2.130"), value("0.2.131"));
        assert_eq!(value("0.2.130"), value("0.2.130"));
    }
}
