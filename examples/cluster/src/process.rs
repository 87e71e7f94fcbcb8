//! Programs that end with this one.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::Error;

const LISTENS_WITHIN: Duration = Duration::from_secs(20);

/// Starts `program`; the kernel ends it with the thread that started it, should this process be killed.
pub(crate) fn start(program: &str, arguments: &[&str]) -> Result<Child, Error> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(Error::io(program))
}

/// Waits until somebody listens there.
pub(crate) async fn listens(what: &'static str, address: SocketAddr) -> Result<(), Error> {
    let until = Instant::now() + LISTENS_WITHIN;
    while TcpStream::connect(address).await.is_err() {
        if Instant::now() > until {
            return Err(Error::Silent(what));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// An address of this machine that nobody has.
pub(crate) fn free_address() -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("a free port"))?;
    listener.local_addr().map_err(Error::io("a free port"))
}
