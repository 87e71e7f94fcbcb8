//! The demo of three instances behind a load balancer.

use crate::{
    apt,
    error::Result,
    layout,
    run::{Run, step},
    wasm,
};

/// Installs what it starts.
pub(crate) fn ready() -> Result {
    apt::ready(&[("/usr/bin/redis-server", "redis-server"), ("/usr/sbin/haproxy", "haproxy")])
}

/// Becomes it.
pub(crate) fn demo(port: u16) -> Result {
    ready()?;
    step("build the cluster", || Run::cargo().args(["build", "--package", "cluster"]).go())?;
    wasm::packages()?;
    let binary = format!("target/debug/cluster{}", std::env::consts::EXE_SUFFIX);
    Run::new(layout::path(&binary))
        .args(["--port", &port.to_string()])
        .arg("--client")
        .arg(layout::path("client-wasm/pkg"))
        .arg("--events")
        .arg(layout::path("bindings/wasm/pkg"))
        .become_it()
}
