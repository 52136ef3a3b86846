//! Clients that know the keys and break the rules, byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use jialing_bulk::frame::{FrameKind, HEADER_LEN, Header, frame};
use jialing_bulk::handshake::{Greeting, MESSAGE_HEAD, verdict};
use jialing_bulk::{Fault, Leg, leg};
use jialing_crypto::tunnel::{Opener, Sealer};

use super::{Door, OWN, own, pay};

/// A client that writes what it likes.
struct Raw {
    stream: TcpStream,
    sealer: Sealer,
    opener: Opener,
}

/// The next message of a handshake.
pub(super) fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; MESSAGE_HEAD];
    stream.read_exact(&mut bytes).expect("a message comes");
    let length = usize::from(u16::from_le_bytes([bytes[1], bytes[2]]));
    bytes.resize(MESSAGE_HEAD + length, 0);
    stream.read_exact(&mut bytes[MESSAGE_HEAD..]).expect("all of it comes");
    bytes
}

impl Raw {
    fn connect(door: &Door) -> Self {
        let mut stream = TcpStream::connect(door.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        let (greeting, hello) = Greeting::new(door.who.suite, "BKA", door.who.key.public().id());
        stream.write_all(&hello).expect("sent");
        let answer = message(&mut stream);
        let (proof, sealer, opener) =
            greeting.prove(&answer, &door.who.platform, &door.who.key).expect("the platform is itself");
        stream.write_all(&proof).expect("sent");
        verdict(&message(&mut stream)).expect("accepted");
        let mut raw = Self { stream, sealer, opener };
        assert_eq!(raw.hear().map(|(header, _)| header.kind), Some(FrameKind::Welcome));
        raw
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        self.sealer.seal(plain, &mut wire);
        wire
    }

    /// A sealed frame that moves `amount` as transfer `n`.
    fn payment(&mut self, n: u128, amount: u64) -> Vec<u8> {
        let plain = legs(&[pay(n, own(1), own(2), amount)]);
        self.seal(&plain)
    }

    fn say(&mut self, wire: &[u8]) {
        self.stream.write_all(wire).expect("sent");
    }

    /// The next frame; nothing when the connection has ended.
    fn hear(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut wire = vec![0; 4];
        match self.stream.read_exact(&mut wire) {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                return None;
            }
            other => other.expect("the server speaks or closes"),
        }
        let rest = u32::from_le_bytes([wire[0], wire[1], wire[2], wire[3]]) as usize;
        wire.resize(4 + rest, 0);
        self.stream.read_exact(&mut wire[4..]).expect("a whole frame");
        let (header, body) = Header::split(self.opener.open(&mut wire).expect("it opens")).expect("a frame");
        Some((header, body.to_vec()))
    }

    /// The fault that the connection ends with, after any answers.
    fn fault(mut self) -> Option<Fault> {
        let mut fault = None;
        while let Some((header, body)) = self.hear() {
            assert_eq!(fault, None, "a fault is the last word");
            if header.kind == FrameKind::Fault {
                fault = Fault::from_number(u16::from_le_bytes([body[0], body[1]]));
            }
        }
        fault
    }
}

fn legs(legs: &[Leg]) -> Vec<u8> {
    let mut plain = Header { kind: FrameKind::Legs, count: legs.len() as u32, number: 9 }.encode().to_vec();
    legs.iter().for_each(|one| leg::encode(one, false, &mut plain));
    plain
}

/// After whatever the client did, account 2 has what it had, and the door still serves others.
fn nothing_happened(door: &Door) {
    assert_eq!(door.balance(own(2)), 10_000);
    door.connect().ping().expect("the door still serves others");
}

#[test]
fn a_changed_byte_anywhere_in_a_frame_closes_the_connection() {
    let door = Door::with(|limits| limits.handshakes.burst = 1000);
    let length = Raw::connect(&door).payment(1, 100).len();
    // The four bytes of the length have tests of their own.
    for byte in (4..length).step_by(7) {
        let mut raw = Raw::connect(&door);
        let mut wire = raw.payment(1, 100);
        wire[byte] ^= 1;
        raw.say(&wire);
        assert_eq!(raw.fault(), Some(Fault::FrameChanged), "byte {byte}");
    }
    nothing_happened(&door);
}

#[test]
fn reordered_repeated_and_missing_frames_close_the_connection() {
    let door = Door::open();
    let check = |order: &[usize]| {
        let mut raw = Raw::connect(&door);
        let frames = [raw.seal(&frame::<0>(FrameKind::Ping, 1, &[])), raw.payment(1, 100)];
        order.iter().for_each(|&place| raw.say(&frames[place]));
        assert_eq!(raw.fault(), Some(Fault::FrameChanged), "{order:?}");
        nothing_happened(&door);
    };
    check(&[1, 0]);
    check(&[1]);
    check(&[0, 0]);
    // What another connection sealed means nothing here.
    let (mut one, mut other) = (Raw::connect(&door), Raw::connect(&door));
    let stolen = one.payment(1, 100);
    other.say(&stolen);
    assert_eq!(other.fault(), Some(Fault::FrameChanged));
    nothing_happened(&door);
}

#[test]
fn a_frame_beyond_the_limit_is_refused_before_it_is_read() {
    let door = Door::open();
    let mut raw = Raw::connect(&door);
    raw.say(&(4u32 * 1024 * 1024 + 21).to_le_bytes());
    assert_eq!(raw.fault(), Some(Fault::FrameTooLarge));
    // One that is too short for a tag is no frame either.
    let mut raw = Raw::connect(&door);
    raw.say(&[1, 0, 0, 0, 7]);
    assert_eq!(raw.fault(), Some(Fault::FrameChanged));
    nothing_happened(&door);
}

#[test]
fn half_a_frame_and_a_slow_one_run_out_of_time() {
    let door = Door::with(|limits| limits.frame_seconds = 1);
    let mut silent = Raw::connect(&door);
    let half = silent.payment(1, 100);
    silent.say(&half[..half.len() / 2]);
    // Byte after byte: each one comes in time, the frame does not.
    let mut slow = Raw::connect(&door);
    let whole = slow.payment(1, 100);
    let drip = slow.stream.try_clone().expect("a socket");
    let dripping = std::thread::spawn(move || {
        let mut drip = drip;
        for byte in whole {
            if drip.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    assert_eq!(silent.fault(), Some(Fault::FrameTimeout));
    assert_eq!(slow.fault(), Some(Fault::FrameTimeout));
    dripping.join().expect("it ends");
    nothing_happened(&door);
}

#[test]
fn a_line_that_breaks_inside_a_frame_leaves_nothing_behind() {
    let door = Door::open();
    for cut in [0, 1, 4, 5, 100] {
        let mut raw = Raw::connect(&door);
        let wire = raw.payment(1, 100);
        raw.say(&wire[..cut]);
        raw.stream.shutdown(std::net::Shutdown::Write).expect("a socket");
        assert_eq!(raw.fault(), None, "there is nobody to tell");
    }
    nothing_happened(&door);
}

#[test]
fn well_sealed_nonsense_is_refused_by_name() {
    let door = Door::open();
    let check = |plain: &[u8]| {
        let mut raw = Raw::connect(&door);
        let wire = raw.seal(plain);
        raw.say(&wire);
        assert_eq!(raw.fault(), Some(Fault::FrameMalformed), "{plain:?}");
    };
    check(b"");
    check(&[0; HEADER_LEN]);
    check(&frame::<0>(FrameKind::Welcome, 0, &[]));
    check(&frame(FrameKind::Outcomes, 0, &[[0; 16]]));
    let mut miscounted = legs(&[pay(1, own(1), own(2), 1)]);
    miscounted[4] = 2;
    check(&miscounted);
    let mut unfinished = legs(&[pay(1, own(1), own(2), 1)]);
    unfinished[HEADER_LEN + 92] = 1;
    check(&unfinished);
    check(&legs(&[pay(1, own(1), own(2), 1)])[..100]);
    check(&frame(FrameKind::Accounts, 0, &[[9; 32]]));
    nothing_happened(&door);
}

/// Frames with a few bytes changed before they are sealed: whatever they say, each is answered or
/// refused by name, and money moves only as some answer says.
#[test]
fn changed_frames_never_break_the_door() {
    let mut door = Door::with(|limits| limits.handshakes.burst = 1000);
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % below
    };
    let mut faults = 0;
    for round in 0..60u128 {
        let mut raw = Raw::connect(&door);
        let mut plain = legs(&(0..4).map(|n| pay(round * 4 + n, own(1), own(2), 1)).collect::<Vec<_>>());
        for _ in 0..=draw(3) {
            let place = draw(plain.len());
            plain[place] = draw(256) as u8;
        }
        let wire = raw.seal(&plain);
        raw.say(&wire);
        match raw.hear() {
            Some((header, body)) if header.kind == FrameKind::Fault => {
                assert_eq!(u16::from_le_bytes([body[0], body[1]]), Fault::FrameMalformed.number());
                faults += 1;
            }
            Some((header, _)) => {
                assert!(matches!(header.kind, FrameKind::Outcomes | FrameKind::Pong), "{header:?}")
            }
            None => panic!("the door said nothing to {plain:?}"),
        }
    }
    assert!((1..60).contains(&faults), "{faults} of 60 were refused");
    let (one, two) = (door.balance(own(1)), door.balance(own(2)));
    assert!(one + two <= 20_000 && two >= 10_000, "{one} {two} of bank {OWN}");
    door.stop();
}

#[test]
fn a_client_that_never_reads_is_held_back_and_then_left() {
    let door = Door::with(|limits| limits.read_seconds = 1);
    let mut raw = Raw::connect(&door);
    let ask = frame(FrameKind::Look, 1, &[own(1).to_le_bytes(); 8190]);
    // Each answer is three times as long as its question, and nobody reads them.
    let mut taken = 0;
    let left = loop {
        let wire = raw.seal(&ask);
        match raw.stream.write_all(&wire) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 2000, "262 MB of questions were taken with nobody reading an answer");
    };
    assert!(
        matches!(left.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
        "{left:?} after {taken}"
    );
    nothing_happened(&door);
}
