//! What a leg costs at the edge, without a ledger: each step by itself, in nanoseconds.
//!
//! ```sh
//! cargo run --release --example edge_cost -p jialing-bulk
//! ```

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use jialing_bulk::leg::{Groups, decode, encode};
use jialing_bulk::{Authority, Leg, LegOp, MAX_GROUPS, Outcome, account, transfer};
use jialing_crypto::tunnel::{TunnelSuite, keys};

const ROUNDS: u64 = 500;

fn main() -> std::io::Result<()> {
    let legs: Vec<Leg> = (0..MAX_GROUPS as u128).map(leg).collect();
    let mut plain = Vec::new();
    time("encode", || {
        plain.clear();
        legs.iter().for_each(|leg| encode(leg, false, &mut plain));
    });
    let (mut sealer, _) = keys(TunnelSuite::International, &[1; 32], &[2; 32], "there", "back");
    let (_, mut opener) = keys(TunnelSuite::International, &[1; 32], &[2; 32], "back", "there");
    let mut wire = Vec::new();
    let mut sealed = Vec::new();
    time("seal", || {
        wire.clear();
        sealer.seal(&plain, &mut wire);
        sealed.push(wire.clone());
    });
    loopback(&wire)?;
    let mut frames = sealed.iter_mut();
    time("open", || {
        black_box(opener.open(frames.next().expect("as many were sealed")).expect("it opens"));
    });
    time("decode", || {
        let mut groups = Groups::default();
        decode(&plain, &mut groups).expect("legs");
        black_box(groups);
    });
    let authority = Authority {
        institution: 7,
        holder: 1,
        vault: 1,
        issuance: 2,
        closed_to_credits: vec![3, 4],
        kind: 11,
    };
    time("check", || assert!(legs.iter().all(|leg| authority.check(leg).is_ok())));
    time("answer", || {
        let mut frame = Vec::with_capacity(MAX_GROUPS * 16);
        (0..MAX_GROUPS as u64).for_each(|first| frame.extend_from_slice(&Outcome::Done { first }.encode()));
        black_box(frame);
    });
    Ok(())
}

fn leg(n: u128) -> Leg {
    let op = LegOp::Plain { debit: account(7, n % 997), credit: account(7, 1 + n % 991), amount: 5 };
    Leg { id: transfer(7, n, 0), op, kind: 11, digest: [7; 24], meters: [0; 4] }
}

/// One thread writes, one reads; both together.
fn loopback(wire: &[u8]) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = TcpStream::connect(listener.local_addr()?)?;
    let (mut stream, _) = listener.accept()?;
    let reading = std::thread::spawn(move || {
        let mut room = vec![0; 1 << 20];
        while matches!(stream.read(&mut room), Ok(read) if read > 0) {}
        cpu()
    });
    let before = cpu();
    for _ in 0..ROUNDS {
        out.write_all(wire)?;
    }
    let wrote = cpu() - before;
    drop(out);
    let read = reading.join().expect("it reads to the end");
    println!("{:>8} ns  loopback, writing", wrote / ROUNDS / MAX_GROUPS as u64);
    println!("{:>8} ns  loopback, reading", read / ROUNDS / MAX_GROUPS as u64);
    Ok(())
}

/// CPU of this thread, ns.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ran| ran.parse().ok()).unwrap_or(0)
}

fn time(what: &str, mut work: impl FnMut()) {
    work();
    let start = (Instant::now(), cpu());
    for _ in 1..ROUNDS {
        work();
    }
    let (wall, cpu) = (start.0.elapsed().as_nanos() as u64, cpu() - start.1);
    let each = |ns: u64| ns / (ROUNDS - 1) / MAX_GROUPS as u64;
    println!("{:>8} ns  {what} ({} ns by the clock)", each(cpu), each(wall));
}
