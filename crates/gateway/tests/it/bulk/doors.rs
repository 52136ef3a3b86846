//! Who is let in, how many, and for how long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;

use jialing_bulk::handshake::{Distrust, verdict};
use jialing_bulk::{Client, Error, Fault, Who};
use jialing_crypto::{SigningKey, Suite};
use jialing_gateway::Rate;

use super::{Door, batch, own, pay, told};

fn is_refused(error: &Error, fault: Fault) -> bool {
    matches!(error, Error::Distrust(Distrust::Refused(told)) if *told == fault)
}

#[test]
fn a_wrong_an_unknown_and_a_revoked_key_are_refused_by_name() {
    let door = Door::open();
    let check = |who: Who, fault: Fault| {
        let refused = door.refused(&who);
        assert!(is_refused(&refused, fault), "{fault:?}: {refused:?}");
    };
    let stranger = Who { key: SigningKey::generate(Suite::Ed25519), ..door.who.clone() };
    check(stranger, Fault::KeyUnknown);
    check(Who { institution: "BKB".into(), ..door.who.clone() }, Fault::KeyUnknown);
    door.connect().close().expect("the right key opens");
    door.register.revoked.store(true, Ordering::SeqCst);
    check(door.who.clone(), Fault::KeyUnknown);
}

#[test]
fn a_proof_by_another_key_is_wrong() {
    let door = Door::open();
    // Names the registered key and signs with another.
    let mut stream = TcpStream::connect(door.address).expect("it listens");
    let (greeting, hello) =
        jialing_bulk::handshake::Greeting::new(door.who.suite, "BKA", door.who.key.public().id());
    stream.write_all(&hello).expect("sent");
    let answer = super::bytes::message(&mut stream);
    let other = SigningKey::generate(Suite::Ed25519);
    let (proof, ..) = greeting.prove(&answer, &door.who.platform, &other).expect("the platform is itself");
    stream.write_all(&proof).expect("sent");
    let said = super::bytes::message(&mut stream);
    assert_eq!(verdict(&said), Err(Distrust::Refused(Fault::ProofWrong)));
    assert_eq!(stream.read(&mut [0; 1]).expect("closed"), 0);
}

#[test]
fn a_client_does_not_speak_to_who_is_not_the_platform() {
    let door = Door::open();
    let other = SigningKey::generate(Suite::Ed25519).public().clone();
    let refused = door.refused(&Who { platform: vec![other], ..door.who.clone() });
    let name = door.platform.public().id().to_owned();
    assert!(matches!(&refused, Error::Distrust(Distrust::UnknownKey(key)) if *key == name), "{refused:?}");
}

#[test]
fn a_bank_has_so_many_connections_and_gets_them_back() {
    let door = Door::with(|limits| limits.per_bank = 2);
    let (first, second) = (door.connect(), door.connect());
    assert!(is_refused(&door.refused(&door.who), Fault::ConnectionsFull));
    first.close().expect("farewell");
    // The place is given back once the server has finished with the first.
    let mut third = loop {
        match Client::connect(door.address, &door.who) {
            Ok(client) => break client,
            Err(error) => assert!(is_refused(&error, Fault::ConnectionsFull), "{error:?}"),
        }
    };
    assert_eq!(told(&third.transfer(&mut batch(&[pay(1, own(1), own(2), 1)])).expect("answered")), ["done"]);
    drop(second);
}

#[test]
fn all_together_have_so_many_connections_and_an_address_so_many_handshakes() {
    let door = Door::with(|limits| limits.connections = 1);
    let only = door.connect();
    assert!(is_refused(&door.refused(&door.who), Fault::ConnectionsFull));
    drop(only);
    let door = Door::with(|limits| limits.handshakes = Rate { burst: 2, per_minute: 0 });
    door.connect().close().expect("farewell");
    door.connect().close().expect("farewell");
    assert!(is_refused(&door.refused(&door.who), Fault::RateLimited));
}

#[test]
fn a_key_that_is_revoked_closes_its_open_connections() {
    let door = Door::with(|limits| limits.recheck_seconds = 1);
    let mut bank = door.connect();
    bank.ping().expect("it is there");
    door.register.revoked.store(true, Ordering::SeqCst);
    let closed = bank.receive();
    assert!(matches!(closed, Err(Error::Closed(Fault::KeyRevoked))), "{closed:?}");
}

#[test]
fn silence_ends_a_connection_by_name() {
    let door = Door::with(|limits| (limits.idle_seconds, limits.handshake_seconds) = (1, 1));
    let mut bank = door.connect();
    assert_eq!(bank.welcome().idle_seconds, 1);
    let mut silent = TcpStream::connect(door.address).expect("it listens");
    let mut half = TcpStream::connect(door.address).expect("it listens");
    half.write_all(&[1, 60, 0, b'J']).expect("sent");
    for stream in [&mut silent, &mut half] {
        let said = super::bytes::message(stream);
        assert_eq!(verdict(&said), Err(Distrust::Refused(Fault::HandshakeTimeout)));
    }
    let closed = bank.receive();
    assert!(matches!(closed, Err(Error::Closed(Fault::Idle))), "{closed:?}");
}

#[test]
fn whoever_speaks_another_protocol_is_told() {
    let door = Door::open();
    let mut stream = TcpStream::connect(door.address).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    assert_eq!(
        verdict(&super::bytes::message(&mut stream)),
        Err(Distrust::Refused(Fault::HandshakeMalformed))
    );
    let mut stream = TcpStream::connect(door.address).expect("it listens");
    stream.write_all(&[1, 8, 0]).and_then(|()| stream.write_all(b"JLbulk 9")).expect("sent");
    assert_eq!(verdict(&super::bytes::message(&mut stream)), Err(Distrust::Refused(Fault::ProtocolUnknown)));
}
