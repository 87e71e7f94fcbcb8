//! What is done to the subjects, each scenario for all of them in turns, so that a noisy machine is noisy for all.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    measure::{Latencies, Measured, micros_each},
    process::{Running, Subject},
    subject::{Audience, Command},
    swarm::{GROUPS, Swarm, SwarmError},
};

/// How often the subjects take turns within a scenario.
const TURNS: u32 = 4;

/// Deliveries of one turn in lock step.
const PER_TURN: u64 = 100_000;

/// Where processes run, and how large the runs are.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The core of every subject.
    pub cpu: Option<usize>,
    /// Worker threads of those that have them.
    pub workers: Option<usize>,
}

/// A subject with its readers.
struct Team {
    subject: Subject,
    running: Running,
    swarm: Swarm,
    idle_kib: f64,
}

impl Team {
    fn assemble(subject: Subject, setup: Setup, connections: usize) -> Result<Self, SwarmError> {
        let running = Running::start(subject, setup.cpu, setup.workers)?;
        // What is allocated once, whoever comes.
        drop(Swarm::open(&running.streams(""), 16)?);
        let before = running.memory()?;
        let swarm = Swarm::open(&running.streams(""), connections)?;
        let idle_kib = kib_each(running.memory()?.saturating_sub(before), connections);
        Ok(Self { subject, running, swarm, idle_kib })
    }

    /// Sends to `audience`, whose `readers` have all of it at the end; how long that took.
    fn send(&mut self, audience: Audience, count: u64, readers: usize) -> Result<Duration, SwarmError> {
        let expected = self.swarm.received + count * readers as u64;
        let at = Instant::now();
        self.running.tell(&Command { audience, count })?;
        self.swarm.read_until(expected)?;
        let took = at.elapsed();
        self.running.obeyed()?;
        Ok(took)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn kib_each(bytes: u64, connections: usize) -> f64 {
    bytes as f64 / 1024.0 / connections as f64
}

fn teams(subjects: &[Subject], setup: Setup, connections: usize) -> Result<Vec<Team>, SwarmError> {
    subjects.iter().map(|subject| Team::assemble(*subject, setup, connections)).collect()
}

/// What one turn of a scenario sends: to whom, how many, and how many readers get it.
type Turn<'a> = &'a mut dyn FnMut(&mut Team, &mut Latencies) -> Result<(), SwarmError>;

/// Lets all teams play `turn` in turns.
fn play(scenario: &'static str, teams: &mut [Team], turn: Turn<'_>) -> Result<Vec<Measured>, SwarmError> {
    let mut results: Vec<_> = teams
        .iter()
        .map(|team| {
            let measured = Measured::new(scenario, team.subject.name(), team.swarm.len());
            (measured, Duration::ZERO, Duration::ZERO, Latencies::default())
        })
        .collect();
    for team in teams.iter_mut() {
        eprintln!("{scenario}, {} streams: {}", team.swarm.len(), team.subject.name());
        team.swarm.skip();
        // Warm: caches, pages, branches.
        turn(team, &mut Latencies::default())?;
    }
    for _ in 0..TURNS {
        for (team, (measured, cpu, wall, latencies)) in teams.iter_mut().zip(&mut results) {
            let (received, used, at) = (team.swarm.received, team.running.cpu()?, Instant::now());
            turn(team, latencies)?;
            *wall += at.elapsed();
            *cpu += team.running.cpu()?.saturating_sub(used);
            measured.count += team.swarm.received - received;
        }
    }
    let finish =
        |(team, (mut measured, cpu, wall, mut latencies)): (&Team, (Measured, _, Duration, Latencies))| {
            measured.cpu_us = Some(micros_each(cpu, measured.count));
            measured.per_second = Some(1e6 / micros_each(wall, measured.count));
            measured.latency_us = latencies.summary();
            measured.wrong = team.swarm.wrong();
            measured
        };
    Ok(teams.iter().zip(results).map(finish).collect())
}

/// Everything that is done to one set of open connections.
///
/// # Errors
/// A subject fails, or loses something.
pub fn fan_out(subjects: &[Subject], setup: Setup, connections: usize) -> Result<Vec<Measured>, SwarmError> {
    let mut teams = teams(subjects, setup, connections)?;
    let mut results = Vec::new();
    for team in &teams {
        let mut measured = Measured::new("idle memory", team.subject.name(), connections);
        measured.kib = Some(team.idle_kib);
        measured.count = connections as u64;
        results.push(measured);
    }
    let rounds = (PER_TURN / connections as u64).max(1);
    results.extend(play("lock-step broadcast", &mut teams, &mut |team, latencies| {
        for _ in 0..rounds {
            latencies.add(team.send(Audience::All, 1, connections)?);
        }
        Ok(())
    })?);
    results.extend(play("burst of 100", &mut teams, &mut |team, _| {
        team.send(Audience::All, 100, connections).map(drop)
    })?);
    let mut reader = 0;
    results.extend(play("one user", &mut teams, &mut |team, latencies| {
        team.swarm.skip();
        for _ in 0..2_000 {
            // Far from the one before, and each once in a while.
            reader = (reader + 7_919) % connections;
            team.swarm.skip_one(reader);
            latencies.add(team.send(Audience::User(format!("u{reader}")), 1, 1)?);
        }
        Ok(())
    })?);
    let mut group = 0;
    results.extend(play("one group of 100", &mut teams, &mut |team, latencies| {
        for _ in 0..100 {
            group = (group + 37) % GROUPS;
            team.swarm.skip();
            latencies.add(team.send(Audience::Group(format!("g{group}")), 1, connections / GROUPS)?);
        }
        Ok(())
    })?);
    Ok(results)
}

/// A broadcast every 20 ms, as a busy app would: what a delivery costs when the server sleeps in between.
///
/// # Errors
/// A subject fails, or loses something.
pub fn paced(subjects: &[Subject], setup: Setup, connections: usize) -> Result<Vec<Measured>, SwarmError> {
    let mut teams = teams(subjects, setup, connections)?;
    play("paced, 50 / s", &mut teams, &mut |team, latencies| {
        for _ in 0..50 {
            let next = Instant::now() + Duration::from_millis(20);
            latencies.add(team.send(Audience::All, 1, connections)?);
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(())
    })
}

/// One in twenty stops reading; what the others notice of it.
///
/// # Errors
/// A subject fails, or loses something for those who read.
pub fn slow_readers(
    subjects: &[Subject],
    setup: Setup,
    connections: usize,
) -> Result<Vec<Measured>, SwarmError> {
    let slow = connections / 20;
    let mut teams = teams(subjects, setup, connections)?;
    let mut results = Vec::new();
    for team in &mut teams {
        team.swarm.stall(slow);
        // More than any socket takes.
        let before = team.running.memory()?;
        for _ in 0..20 {
            team.send(Audience::All, 100, connections - slow)?;
        }
        let mut measured = Measured::new("memory per slow reader", team.subject.name(), slow);
        measured.kib = Some(kib_each(team.running.memory()?.saturating_sub(before), slow));
        measured.count = slow as u64;
        results.push(measured);
    }
    let fast = connections - slow;
    results.extend(play("beside slow readers", &mut teams, &mut |team, latencies| {
        for _ in 0..20 {
            latencies.add(team.send(Audience::All, 1, fast)?);
        }
        Ok(())
    })?);
    Ok(results)
}

/// All readers come back at once and have missed 100 events each; what whoever sends notices of it, and what it costs.
///
/// # Errors
/// The subject fails, or loses something.
pub fn replay_storm(subject: Subject, setup: Setup, connections: usize) -> Result<Vec<Measured>, SwarmError> {
    const MISSED: u64 = 100;
    // About as long as the storm takes.
    const PACED: u64 = 2_000;
    let mut team = Team::assemble(subject, setup, connections)?;
    team.send(Audience::All, 1, connections)?;
    let cursor = team.swarm.cursor.clone();
    team.swarm = Swarm::open(&team.running.streams(""), 1)?;
    team.send(Audience::All, MISSED, 1)?;
    let mut results = Vec::new();
    for scenario in ["a send", "a send meanwhile"] {
        team.running.settle()?;
        team.running.tell(&Command { audience: Audience::Nobody, count: PACED })?;
        if !results.is_empty() {
            let headers = format!("last-event-id: {cursor}\r\n");
            team.swarm = Swarm::open(&team.running.streams(&headers), connections)?;
            team.swarm.read_until(MISSED * connections as u64)?;
        }
        let mut measured = Measured::new(scenario, subject.name(), connections);
        measured.count = PACED;
        measured.latency_us = match team.running.obeyed()?[..] {
            [half, most] => Some((half, most)),
            _ => None,
        };
        results.push(measured);
    }
    team.swarm = Swarm::open(&team.running.streams(""), 1)?;
    team.running.settle()?;
    let used = team.running.cpu()?;
    let at = Instant::now();
    let mut swarm = Swarm::open(&team.running.streams(&format!("last-event-id: {cursor}\r\n")), connections)?;
    swarm.read_until(MISSED * connections as u64)?;
    let took = at.elapsed();
    let cpu = team.running.cpu()?.saturating_sub(used);
    let mut measured = Measured::new("replay of 100", subject.name(), connections);
    measured.count = connections as u64;
    measured.cpu_us = Some(micros_each(cpu, connections as u64));
    measured.per_second = Some(1e6 / micros_each(took, connections as u64));
    measured.wrong = swarm.wrong();
    results.push(measured);
    Ok(results)
}

/// Opens a stream, reads its beginning, and closes it, over and over; of hyper its hello-world.
///
/// # Errors
/// A subject fails.
pub fn churn(subjects: &[Subject], setup: Setup, cycles: u64) -> Result<Vec<Measured>, SwarmError> {
    let mut results = Vec::new();
    let mut running: Vec<_> = subjects
        .iter()
        .map(|subject| Running::start(*subject, setup.cpu, setup.workers))
        .collect::<Result<_, _>>()?;
    let mut totals = vec![Duration::ZERO; subjects.len()];
    for turn in 0..=TURNS {
        for ((subject, running), total) in subjects.iter().zip(&mut running).zip(&mut totals) {
            let path = if *subject == Subject::Hyper { "/hello" } else { "/sse?user=u&group=g" };
            let used = running.cpu()?;
            for _ in 0..cycles / u64::from(TURNS) {
                cycle(running, path)?;
            }
            // What it does about the last of them.
            std::thread::sleep(Duration::from_millis(20));
            if turn > 0 {
                *total += running.cpu()?.saturating_sub(used);
            }
        }
    }
    for (subject, total) in subjects.iter().zip(totals) {
        let name = if *subject == Subject::Hyper { "hyper, hello-world" } else { subject.name() };
        let mut measured = Measured::new("churn", name, 1);
        measured.count = cycles;
        measured.cpu_us = Some(micros_each(total, cycles));
        results.push(measured);
    }
    Ok(results)
}

fn cycle(running: &Running, path: &str) -> io::Result<()> {
    let mut socket = TcpStream::connect(running.address())?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // The head, and something behind it.
    while answer.windows(4).position(|window| window == b"\r\n\r\n").is_none_or(|at| at + 4 == answer.len()) {
        match socket.read(&mut buffer)? {
            0 => return Err(io::Error::other("it was closed before its first event")),
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(())
}
