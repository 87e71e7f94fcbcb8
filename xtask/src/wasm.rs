//! `cargo xtask wasm`: the coaching contract and the client as npm packages.

use std::{fs, num::NonZeroU64, path::PathBuf};

use crate::{
    compiler::{Compiler, Purpose, TARGET},
    error::{Error, Result},
    layout, npm, paths,
    run::{Run, minutes, step},
    stamp::Stamp,
    tools::WasmBindgen,
};

/// Build the browser packages: Rust to wasm to npm tarballs in target/npm.
///
/// Fetches what is missing: the wasm target (by rustup, else Debian's compiler below target/toolchain),
/// wasm-bindgen of the locked version, wasm-opt. Steps whose inputs did not change are skipped.
/// TIDINGS_WASM_COMPILER=rustup|debian forces one of the two compilers.
#[derive(Debug, clap::Args)]
pub(crate) struct Wasm {}

/// What wasm-bindgen calls its output, and so what the contract package's build script looks for.
const NAME: &str = "coaching_events";

impl Wasm {
    #[expect(clippy::unused_self, reason = "every command has this shape")]
    pub(crate) fn run(&self) -> Result {
        let started = std::time::Instant::now();
        packages()?;
        for tarball in npm::tarballs()? {
            let size = fs::metadata(&tarball).map_err(Error::file(&tarball))?.len();
            println!("    {} ({} kB)", tarball.display(), size.div_ceil(1000));
        }
        println!("done ({})", minutes(started.elapsed()));
        Ok(())
    }
}

/// Builds both packages and packs them into `target/npm`.
pub(crate) fn packages() -> Result {
    npm::node_ready()?;
    npm::ci("npm packages of xtask", "xtask/npm")?;
    npm::ci("npm packages of the client", "client-wasm")?;
    bindgen_output()?;
    client_package()?;
    contract_package()?;
    pack()
}

/// The folder with the optimised wasm and its glue.
pub(crate) fn bindgen_folder() -> PathBuf {
    layout::path("target/wasm-bindgen/coaching-events")
}

fn bindgen_output() -> Result {
    let folder = bindgen_folder();
    let stamp = Stamp::new("wasm of the coaching contract")?
        .input(layout::required("Cargo.toml")?)
        .input(layout::required("Cargo.lock")?)
        .input(layout::required("protocol")?)
        .input(layout::required("bindings/Cargo.toml")?)
        .input(layout::required("bindings/src")?)
        .input(layout::required("bindings/wasm/Cargo.toml")?)
        .input(layout::required("bindings/wasm/src")?)
        .input(layout::required("client-wasm/Cargo.toml")?)
        .input(layout::required("client-wasm/src")?)
        .input(layout::required("xtask/npm/package-lock.json")?)
        .input(layout::required("xtask/npm/optimise.mjs")?)
        .input(layout::required("xtask/src/compiler.rs")?)
        .input(layout::required("xtask/src/wasm.rs")?)
        .fact(std::env::var("TIDINGS_WASM_COMPILER").unwrap_or_default())
        .fact(WasmBindgen::locked_version()?)
        .output(folder.clone());
    stamp.unless_unchanged(|| {
        let compiler = Compiler::ready()?;
        let wasm = step(&format!("compile with {}", compiler.name()), || compile(&compiler))?;
        let bindgen = WasmBindgen::ready()?;
        layout::clear(&folder)?;
        Run::new(&bindgen.cli)
            // Whatever inflates the wasm has `TextEncoder.encodeInto`: it is older in every browser.
            .args(["--encode-into", "always"])
            .args(["--target", "web", "--out-name", NAME, "--out-dir"])
            .arg(&folder)
            .arg(wasm)
            .go()?;
        step("wasm-opt", optimise)?;
        step("zopfli", compress)
    })
}

fn compile(compiler: &Compiler) -> Result<PathBuf> {
    compiler
        .cargo("build", Purpose::Ship)?
        .args(["--package", "tidings-coaching-events", "--profile", "wasm"])
        // wasm-bindgen reads from a section that stripping removes what browsers can do; wasm-opt strips later.
        .env("CARGO_PROFILE_WASM_STRIP", "none")
        .advice("read the compiler's errors above, repair, run `cargo xtask wasm` again")
        .go()?;
    Ok(Compiler::folder()?.join(TARGET).join("wasm/tidings_coaching_events.wasm"))
}

fn optimise() -> Result {
    let folder = bindgen_folder();
    Run::new("node").arg(layout::required("xtask/npm/optimise.mjs")?).arg(&folder).arg(NAME).go()?;
    paths::absent_from(&folder.join(format!("{NAME}_bg.wasm")))
}

/// How often zopfli looks for something smaller. More than the usual 15 gains 0.2 %, and costs a second.
const ITERATIONS: NonZeroU64 = NonZeroU64::new(200).expect("not zero");

/// Zopfli's gzip is a twentieth smaller than zlib's, read by the same decompressors, and the same every time.
fn compress() -> Result {
    let wasm = bindgen_folder().join(format!("{NAME}_bg.wasm"));
    let gzip = wasm.with_extension("wasm.gz");
    let content = fs::read(&wasm).map_err(Error::file(&wasm))?;
    let mut packed = Vec::new();
    let options = zopfli::Options { iteration_count: ITERATIONS, ..zopfli::Options::default() };
    zopfli::compress(options, zopfli::Format::Gzip, content.as_slice(), &mut packed)
        .map_err(Error::file(&wasm))?;
    println!("    {} -> {} bytes", content.len(), packed.len());
    fs::write(&gzip, packed).map_err(Error::file(&gzip))
}

fn client_package() -> Result {
    let stamp = Stamp::new("package of the client")?
        .input(layout::required("client-wasm")?)
        .output(layout::path("client-wasm/pkg"));
    stamp.unless_unchanged(|| {
        // The compiler leaves what it no longer makes, and all of the folder is packed.
        layout::clear(&layout::path("client-wasm/pkg"))?;
        npm::script("client-wasm", "build")?.go()
    })
}

fn contract_package() -> Result {
    let stamp = Stamp::new("package of the coaching contract")?
        .input(layout::required("bindings/wasm")?)
        .input(layout::required("bindings/ts")?)
        .input(layout::path("client-wasm/pkg"))
        .input(bindgen_folder())
        .output(layout::path("bindings/wasm/pkg"));
    stamp.unless_unchanged(|| {
        Run::new("node")
            .arg(layout::required("bindings/wasm/build.mjs")?)
            .arg("--wasm-dir")
            .arg(bindgen_folder())
            .go()
    })
}

fn pack() -> Result {
    let stamp = Stamp::new("npm tarballs")?
        .input(layout::required("client-wasm/package.json")?)
        .input(layout::required("client-wasm/README.md")?)
        .input(layout::path("client-wasm/pkg"))
        .input(layout::required("bindings/wasm/package.json")?)
        .input(layout::required("bindings/wasm/README.md")?)
        .input(layout::path("bindings/wasm/pkg"))
        .output(npm::tarball_folder());
    stamp.unless_unchanged(|| {
        npm::pack("client-wasm", "tidings-client")?;
        npm::pack("bindings/wasm", "tidings-coaching-events")
    })
}
