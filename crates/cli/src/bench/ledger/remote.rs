//! Clients in this process, the ledger in another.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_sdk::bulk::{Answer, Batch, Client, Outcome, Who};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Args;
use super::figures::{Measured, Usage, latencies};
use super::load::{Half, Load};
use super::server::{Left, Plan, Ready};

/// The bank's code.
const CODE: &str = "BENCH";

pub(super) fn measure(args: &Args, load: Load, dir: &Path) -> Result<Measured, String> {
    let key = SigningKey::generate(Suite::Ed25519);
    let bank = (CODE.to_owned(), key.public().to_pem());
    let probe = args.probe.then_some(args.before + args.transfers);
    let (dir, suite) = (dir.to_owned(), args.suite);
    let mut server = Server::start(&Plan { dir, load, suite, clients: args.clients, bank, probe })?;
    let platform = PublicKey::from_spki_pem(&server.ready.platform).map_err(|error| error.to_string())?;
    let who = Who::new(CODE, key, vec![platform]);
    let mut clients = (0..args.clients)
        .map(|_| {
            Client::connect(server.ready.address, &who).map_err(|error| format!("cannot connect: {error}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    make(args, load.filling(), &mut clients, 0, args.before)?;
    let (before, own) = (server.usage()?, Usage::now(0));
    let start = Instant::now();
    let latency = make(args, load, &mut clients, args.before, args.before + args.transfers)?;
    let seconds = start.elapsed().as_secs_f64();
    let (after, own_after) = (server.usage()?, Usage::now(0));
    for client in clients {
        client.close().map_err(|error| format!("closing: {error}"))?;
    }
    let left = server.stop()?;
    Ok(Measured {
        seconds,
        latency,
        server: (before, after),
        client_cpu_ns: own_after.cpu_ns - own.cpu_ns,
        folder: (left.bytes, left.records),
        probe: left.probe,
    })
}

/// Makes transfers `from` to `to`, a thread for each client; the latencies of the frames.
fn make(
    args: &Args,
    load: Load,
    clients: &mut [Client],
    from: u64,
    to: u64,
) -> Result<Histogram<u64>, String> {
    let next = AtomicU64::new(from);
    let mut latency = latencies()?;
    thread::scope(|scope| {
        let made: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                let next = &next;
                scope.spawn(move || Working { client, load, next, to, depth: args.depth as usize }.run())
            })
            .collect();
        for made in made {
            let one = made.join().map_err(|_| "a client met a defect".to_owned())??;
            latency.add(one).map_err(|error| error.to_string())?;
        }
        Ok(latency)
    })
}

/// One client at work.
struct Working<'a> {
    client: &'a mut Client,
    load: Load,
    next: &'a AtomicU64,
    to: u64,
    depth: usize,
}

/// A frame: the transfers from here on, and which half of them.
type Frame = (u64, Half);

impl Working<'_> {
    fn run(self) -> Result<Histogram<u64>, String> {
        let mut latency = latencies()?;
        let mut waiting: VecDeque<Frame> = VecDeque::new();
        let mut sent: VecDeque<(Frame, Instant)> = VecDeque::new();
        let mut batch = Batch::new();
        loop {
            while sent.len() < self.depth {
                let Some(frame) = waiting.pop_front().or_else(|| self.claim()) else { break };
                self.build(frame, &mut batch)?;
                let start = Instant::now();
                self.client.send(&mut batch).map_err(|error| format!("sending: {error}"))?;
                sent.push_back((frame, start));
            }
            let Some((frame, start)) = sent.pop_front() else { return Ok(latency) };
            let (_, answer) = self.client.receive().map_err(|error| format!("receiving: {error}"))?;
            match answer {
                Answer::Outcomes(outcomes) => {
                    latency.record(start.elapsed().as_micros() as u64).map_err(|error| error.to_string())?;
                    all_done(&outcomes)?;
                    waiting.extend(self.load.after(frame.1).map(|half| (frame.0, half)));
                }
                Answer::Busy { retry_after_ms } => {
                    thread::sleep(Duration::from_millis(retry_after_ms.into()));
                    waiting.push_front(frame);
                }
                other => return Err(format!("the server answered {other:?}")),
            }
        }
    }

    /// The next transfers that nobody has taken yet.
    fn claim(&self) -> Option<Frame> {
        let from = self.next.fetch_add(self.load.step(), Ordering::Relaxed);
        (from < self.to).then_some((from, Half::First))
    }

    fn build(&self, (from, half): Frame, batch: &mut Batch) -> Result<(), String> {
        batch.clear();
        let mut full = None;
        self.load.groups(from, self.to.min(from + self.load.step()), half, |legs| {
            full = full.or(batch.group(legs).err());
        });
        full.map_or(Ok(()), |full| Err(format!("{full}; choose a smaller --batch")))
    }
}

fn all_done(outcomes: &[Outcome]) -> Result<(), String> {
    match outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done { .. })) {
        None => Ok(()),
        Some(other) => Err(format!("a transfer was not made: {other:?}")),
    }
}

/// The second process.
struct Server {
    child: Child,
    ask: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
    ready: Ready,
}

impl Server {
    fn start(plan: &Plan) -> Result<Self, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let mut child = Command::new(program)
            .args(["bench", "ledger", "--server"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the second process: {error}"))?;
        let (ask, told) = (child.stdin.take(), child.stdout.take());
        let told = BufReader::new(told.ok_or("the second process has no output")?);
        let nowhere = Ready { address: SocketAddr::from(([127, 0, 0, 1], 0)), platform: String::new() };
        let mut server = Self { child, ask, told, ready: nowhere };
        server.ready = server.ask(plan)?;
        Ok(server)
    }

    fn ask<A: DeserializeOwned>(&mut self, what: &impl Serialize) -> Result<A, String> {
        let line = serde_json::to_string(what).map_err(|error| error.to_string())?;
        let ask = self.ask.as_mut().ok_or("the second process was stopped")?;
        writeln!(ask, "{line}").map_err(|error| format!("the second process does not listen: {error}"))?;
        self.hear()
    }

    fn hear<A: DeserializeOwned>(&mut self) -> Result<A, String> {
        let mut line = String::new();
        self.told.read_line(&mut line).map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|error| format!("the second process said {line:?}: {error}"))
    }

    fn usage(&mut self) -> Result<Usage, String> {
        self.ask(&"usage")
    }

    /// Lets it stop by itself.
    fn stop(mut self) -> Result<Left, String> {
        drop(self.ask.take());
        let left = self.hear()?;
        self.child.wait().map_err(|error| error.to_string())?;
        Ok(left)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.ask.take());
        // Ended already unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
