//! One connection: reading, judging, handing over; answering in order.

use std::sync::Arc;
use std::time::Duration;

use jialing_bulk::frame::{self, FrameKind, Header, Welcome};
use jialing_bulk::{Authority, Fault, MAX_FRAME_BYTES, MAX_GROUPS, handshake};
use jialing_crypto::tunnel::{Opener, Sealer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

use super::read::{Ended, Frames};
use super::serve::{Place, Shared, asked};
use super::shake::{Failed, Proven, shake};
use super::work::{self, Job, Reply};

/// How long what still comes is read after a fault, so that the fault arrives.
const LINGER: Duration = Duration::from_secs(2);
/// What a client is told to wait while the followers catch up.
const LAG_RETRY_MS: u32 = 50;

/// Serves one connection until it ends.
pub(super) async fn converse(shared: Arc<Shared>, mut stream: TcpStream) {
    // Answers are awaited: nothing is gained by holding them back.
    let _ = stream.set_nodelay(true);
    let limit = Duration::from_secs(shared.config.limits.handshake_seconds);
    let mut stopping = shared.stopping.clone();
    let shaken = tokio::select! {
        shaken = timeout(limit, shake(&shared, &mut stream)) => {
            shaken.unwrap_or(Err(Failed::Refused(Fault::HandshakeTimeout)))
        }
        () = asked(&mut stopping) => Err(Failed::Refused(Fault::Stopping)),
    };
    match shaken {
        Ok(proven) => Connection::new(shared, stream, proven).run().await,
        Err(Failed::Gone) => {}
        Err(Failed::Refused(fault)) => refuse(stream, fault).await,
    }
}

/// Tells a client, in the open, why there will be no connection.
pub(super) async fn refuse(mut stream: TcpStream, fault: Fault) {
    metrics::counter!("jialing_bulk_refused_connections_total", "fault" => fault.name()).increment(1);
    tracing::info!(fault = fault.name(), "a bulk connection was refused");
    let told = async {
        stream.write_all(&handshake::refusal(fault)).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _ = timeout(LINGER, told).await;
}

struct Connection {
    shared: Arc<Shared>,
    proven: Bank,
    frames: Frames,
    opener: Opener,
    jobs: mpsc::Sender<Job>,
    writing: tokio::task::JoinHandle<()>,
}

/// What is kept of the proof.
struct Bank {
    institution: String,
    serial: String,
    authority: Authority,
    _place: Place,
}

/// Why reading goes no further.
enum Over {
    /// The client said goodbye.
    Goodbye(u64),
    /// The client, or the writing side, has gone.
    Gone,
    /// The client is to be told.
    Fault(Fault),
}

impl Connection {
    fn new(shared: Arc<Shared>, stream: TcpStream, proven: Proven) -> Self {
        let limits = &shared.config.limits;
        let (from, to) = stream.into_split();
        let frames = Frames::new(
            from,
            Duration::from_secs(limits.idle_seconds.into()),
            Duration::from_secs(limits.frame_seconds),
        );
        let authority = proven.member.authority;
        let welcome = Welcome {
            institution: authority.institution,
            holder: authority.holder,
            vault: authority.vault,
            issuance: authority.issuance,
            kind: authority.kind,
            window: limits.window,
            frame_bytes: MAX_FRAME_BYTES as u32,
            groups: MAX_GROUPS as u32,
            idle_seconds: limits.idle_seconds,
        };
        // One more is in the hands of the writing side.
        let (jobs, waiting) = mpsc::channel(usize::from(limits.window).saturating_sub(1).max(1));
        let within = Duration::from_secs(limits.read_seconds);
        let writing = Writing { to, sealer: proven.sealer, wire: Vec::new(), within };
        let writing = tokio::spawn(writing.run(welcome.encode(), waiting));
        let kept =
            Bank { institution: proven.institution, serial: proven.serial, authority, _place: proven.place };
        Self { shared, proven: kept, frames, opener: proven.opener, jobs, writing }
    }

    async fn run(mut self) {
        tracing::info!(bank = self.proven.institution, key = self.proven.serial, "a bulk connection is open");
        let over = self.read().await;
        let last = match over {
            Over::Goodbye(number) => Some(Reply::of(frame::frame::<0>(FrameKind::Farewell, number, &[]))),
            Over::Fault(fault) => Some(Reply::fault(fault)),
            Over::Gone => None,
        };
        let name = match over {
            Over::Goodbye(_) => "goodbye",
            Over::Gone => "gone",
            Over::Fault(fault) => fault.name(),
        };
        metrics::counter!("jialing_bulk_ended_connections_total", "why" => name).increment(1);
        tracing::info!(bank = self.proven.institution, why = name, "a bulk connection ended");
        let faulty = matches!(over, Over::Fault(_));
        if let Some(last) = last {
            let _ = self.jobs.send(Box::pin(std::future::ready(last))).await;
        }
        drop(self.jobs);
        // Answers what was taken, then ends.
        let _ = self.writing.await;
        if faulty {
            self.frames.drain(LINGER).await;
        }
    }

    /// Reads frames and hands them over until there is a reason not to.
    async fn read(&mut self) -> Over {
        let limits = &self.shared.config.limits;
        let recheck = Duration::from_secs(limits.recheck_seconds.max(1));
        let mut recheck = interval_at(Instant::now() + recheck, recheck);
        let too_old = Instant::now() + Duration::from_secs(limits.age_hours * 3600);
        let mut stopping = self.shared.stopping.clone();
        loop {
            let frame = tokio::select! {
                biased;
                () = asked(&mut stopping) => return Over::Fault(Fault::Stopping),
                () = self.jobs.closed() => return Over::Gone,
                _ = recheck.tick() => {
                    if let Some(fault) = self.revoked().await {
                        return Over::Fault(fault);
                    }
                    continue;
                }
                () = sleep_until(too_old) => return Over::Fault(Fault::TooOld),
                frame = self.frames.next() => frame,
            };
            let opened = match frame {
                Ok(()) => self.opener.open(self.frames.current()),
                Err(Ended::Closed) => return Over::Gone,
                Err(Ended::Fault(fault)) => return Over::Fault(fault),
            };
            let Ok(plain) = opened else { return Over::Fault(Fault::FrameChanged) };
            let (header, job) = match Self::job(&self.shared, &self.proven.authority, plain) {
                Ok(job) => job,
                Err(fault) => return Over::Fault(fault),
            };
            let Some(job) = job else { return Over::Goodbye(header.number) };
            // Room first: nothing is begun beyond the window. Then into the engine's queue before the
            // next frame is looked at: that keeps their order.
            let Ok(room) = self.jobs.reserve().await else { return Over::Gone };
            room.send(work::begin(job).await);
        }
    }

    /// What a frame asks for; nothing for a goodbye.
    fn job(shared: &Shared, authority: &Authority, plain: &[u8]) -> Result<(Header, Option<Job>), Fault> {
        let (header, body) = Header::split(plain).map_err(|_| Fault::FrameMalformed)?;
        let (engine, number) = (shared.engine.clone(), header.number);
        metrics::counter!("jialing_bulk_frames_total").increment(1);
        let moves = matches!(header.kind, FrameKind::Legs | FrameKind::Accounts | FrameKind::Meters);
        if moves && shared.banks.lag() > shared.config.limits.max_lag {
            metrics::counter!("jialing_bulk_busy_total").increment(1);
            let reply = Reply::of(frame::busy(number, LAG_RETRY_MS));
            return Ok((header, Some(Box::pin(std::future::ready(reply)))));
        }
        let job: Job = match header.kind {
            FrameKind::Legs => Box::pin(work::legs(engine, number, work::judge(&header, body, authority)?)),
            FrameKind::Accounts => Box::pin(work::commands(engine, number, work::accounts(body, authority)?)),
            FrameKind::Meters => Box::pin(work::commands(engine, number, work::meters(body, authority)?)),
            FrameKind::Look => Box::pin(work::look(engine, number, authority.clone(), work::ids(body))),
            FrameKind::Ping => {
                Box::pin(std::future::ready(Reply::of(frame::frame::<0>(FrameKind::Pong, number, &[]))))
            }
            FrameKind::Goodbye => return Ok((header, None)),
            _ => return Err(Fault::FrameMalformed),
        };
        Ok((header, Some(job)))
    }

    /// Whether the key is no longer good.
    async fn revoked(&self) -> Option<Fault> {
        match self.shared.banks.find(&self.proven.institution, &self.proven.serial).await {
            Err(Fault::KeyUnknown | Fault::NotOperating) => Some(Fault::KeyRevoked),
            // The tables do not answer: that is no reason to think worse of the key.
            Ok(_) | Err(_) => None,
        }
    }
}

/// The side that answers.
struct Writing {
    to: OwnedWriteHalf,
    sealer: Sealer,
    wire: Vec<u8>,
    within: Duration,
}

impl Writing {
    /// Writes the welcome and then an answer for each job, in order.
    async fn run(mut self, welcome: Vec<u8>, mut jobs: mpsc::Receiver<Job>) {
        if !self.write(&welcome).await {
            return;
        }
        while let Some(job) = jobs.recv().await {
            let reply = job.await;
            if !self.write(&reply.frame).await || reply.closing.is_some() {
                break;
            }
        }
        let _ = self.to.shutdown().await;
    }

    /// Whether the frame was taken off our hands.
    async fn write(&mut self, plain: &[u8]) -> bool {
        self.wire.clear();
        self.sealer.seal(plain, &mut self.wire);
        match timeout(self.within, self.to.write_all(&self.wire)).await {
            Ok(written) => written.is_ok(),
            Err(_) => {
                metrics::counter!("jialing_bulk_ended_connections_total", "why" => Fault::ReaderTooSlow.name())
                    .increment(1);
                tracing::info!(
                    fault = Fault::ReaderTooSlow.name(),
                    "a bulk client does not read its answers"
                );
                false
            }
        }
    }
}
