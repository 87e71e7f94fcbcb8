//! The stages of the test command, in order.

use clap::ValueEnum;

use crate::{
    apt, bench, binaries, chaos, chromium, cluster,
    compiler::{Compiler, Purpose},
    consumers,
    debian::entries,
    error::{Error, Result},
    fuzz, layout, next, notes, npm, postgres,
    run::Run,
    size, tools,
    tools::WasmBindgen,
    wasm,
};

/// One part of the test command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Stage {
    /// rustfmt changes nothing
    Format,
    /// clippy has nothing to say, natively and for wasm
    Clippy,
    /// Rust tests
    Rust,
    /// examples in the documentation
    Doc,
    /// the generated TypeScript is that of the contract
    Bindings,
    /// every fuzz target for some seconds
    Fuzz,
    /// the short form of the proof by kill -9
    Chaos,
    /// no path costs more instructions than before; nothing is lost under load
    Bench,
    /// wasm tests in headless Chromium, the npm packages, their size
    Wasm,
    /// types, documentation and tests of the TypeScript client
    Typescript,
    /// the UI's types and tests, its static export with the packages just built
    Next,
    /// the packed packages in fresh projects
    Packages,
    /// the demo in real Chromium
    E2e,
}

/// How much time the tests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Within the twenty minutes of a push.
    Short,
    /// Before an issue is closed.
    Long,
}

impl Length {
    /// Seconds for each fuzz target.
    fn fuzz_seconds(self) -> u32 {
        match self {
            Self::Short => 10,
            Self::Long => 60,
        }
    }

    /// Tests that know a longer form of themselves read this.
    fn tell(self, run: Run) -> Run {
        match self {
            Self::Short => run,
            Self::Long => run.env("TIDINGS_LONG", "1"),
        }
    }
}

/// The crates that exist for the browser.
const BROWSER_CRATES: [&str; 4] =
    ["--package", "tidings-client-wasm", "--package", "tidings-coaching-events"];

/// The other engine in which the client is tried.
const FIREFOX: &str = "/usr/bin/firefox-esr";

impl Stage {
    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) fn run(self, length: Length) -> Result {
        match self {
            Self::Format => format(),
            Self::Clippy => clippy(),
            Self::Rust => rust(length),
            Self::Doc => Run::cargo().args(["test", "--doc", "--workspace"]).go(),
            Self::Bindings => bindings(),
            Self::Fuzz => fuzz::all(length.fuzz_seconds()),
            Self::Chaos => chaos::stage(length == Length::Long),
            Self::Bench => bench::stage(),
            Self::Wasm => wasm(length),
            Self::Typescript => typescript(),
            Self::Next => next(),
            Self::Packages => consumers::stage(length == Length::Long),
            Self::E2e => e2e(length),
        }
    }
}

/// The fuzz targets are a workspace of their own.
fn format() -> Result {
    let check = || Run::cargo().args(["fmt", "--all", "--check"]);
    check().advice("run `cargo fmt --all`").go()?;
    layout::required("fuzz/Cargo.toml")?;
    let fuzz = ["--manifest-path", "fuzz/Cargo.toml"];
    check().args(fuzz).advice("run `cargo fmt --all --manifest-path fuzz/Cargo.toml`").go()
}

fn clippy() -> Result {
    let deny = ["--", "-D", "warnings"];
    Run::cargo().args(["clippy", "--workspace", "--all-targets"]).args(deny).go()?;
    Compiler::ready()?.cargo("clippy", Purpose::Check)?.args(BROWSER_CRATES).args(["--tests"]).args(deny).go()
}

fn rust(length: Length) -> Result {
    // Tests make networks that lose packets, and look at streams through a proxy.
    apt::ready(&[
        ("/usr/sbin/nginx", "nginx-light"),
        ("/usr/sbin/haproxy", "haproxy"),
        ("/usr/bin/caddy", "caddy"),
        ("/usr/sbin/ip", "iproute2"),
        ("/usr/bin/redis-server", "redis-server"),
        ("/usr/bin/openssl", "openssl"),
    ])?;
    postgres::ready()?;
    length.tell(tools::nextest()?.args(["run", "--workspace"])).go()
}

/// The drift test runs among all Rust tests too; alone it is quick and says by itself what to do.
fn bindings() -> Result {
    tools::nextest()?
        .args(["run", "--workspace", "-E", "package(tidings-bindings)"])
        .advice("run `cargo xtask bindings`, look at the difference, commit it")
        .go()
}

fn wasm(length: Length) -> Result {
    chromium::ready()?;
    let bindgen = WasmBindgen::ready()?;
    let tests = Compiler::ready()?
        .cargo("test", Purpose::Check)?
        .args(["--package", "tidings-client-wasm", "--tests"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", bindgen.test_runner)
        .env("CHROMEDRIVER", chromium::DRIVER)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    length.tell(tests).go()?;
    wasm::packages()?;
    size::check()
}

fn typescript() -> Result {
    npm::ci("npm packages of the client", "client-wasm")?;
    wasm::packages()?;
    npm::script("client-wasm", "typecheck")?.go()?;
    npm::script("client-wasm", "docs")?.advice("document it, or export the type it names").go()?;
    npm::script("client-wasm", "test")?.go()
}

fn next() -> Result {
    wasm::packages()?;
    next::installed()?;
    next::installed_is_built()?;
    npm::script(next::APP, "typecheck")?.go()?;
    npm::script(next::APP, "test")?.go()?;
    next::export()?;
    next::server_page()
}

fn e2e(length: Length) -> Result {
    chromium::ready()?;
    apt::ready(&[(FIREFOX, "firefox-esr")])?;
    cluster::ready()?;
    binaries::build()?;
    let coaching = binaries::path("coaching");
    wasm::packages()?;
    next::export()?;
    next::server_page()?;
    notes::ready()?;
    let folder = format!("{}/e2e", next::APP);
    let tests: Vec<_> = entries(&layout::required(&folder)?)?
        .into_iter()
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        return Err(Error::unmet(format!("{folder} holds no *.test.mjs"), "restore them (`git status`)"));
    }
    let run = Run::new("node")
        // A page that waits for what never comes is a failure, and none that anybody should wait for.
        .args(["--test", "--test-concurrency=1", "--test-timeout=300000"])
        .args(tests)
        .dir(layout::path(next::APP))
        .env("COACHING_BINARY", coaching)
        .env("CLUSTER_BINARY", binaries::path("cluster"))
        .env("CHROMIUM", chromium::BROWSER)
        .env("FIREFOX", FIREFOX);
    length.tell(run).go()
}
