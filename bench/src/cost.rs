//! What a process has used so far, as its kernel counts it.

use std::{fs, io, time::Duration};

/// CPU time of all of its threads, user and kernel, from `schedstat`, which counts nanoseconds; `stat` counts in
/// hundredths of a second.
///
/// # Errors
/// There is no such process, or the kernel keeps no `schedstat`.
pub fn cpu(pid: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end in between.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        nanos += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Its memory that no file backs, in bytes: heap and stacks.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("the kernel does not say RssAnon"))
}

/// Memory of the kernel for all TCP sockets of this machine, in bytes.
///
/// # Errors
/// The kernel does not say.
pub fn tcp_memory() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/net/sockstat")?;
    let line = stat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = line.rsplit(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    pages.map(|pages| pages * 4096).ok_or_else(|| io::Error::other("no TCP line in /proc/net/sockstat"))
}
