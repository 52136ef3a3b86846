//! The handshake without a network: the two ends agree, and nobody in between can help it.

use jialing_bulk::Fault;
use jialing_bulk::handshake::{
    Asked, Distrust, Greeting, MAX_MESSAGE, Message, acceptance, refusal, verdict,
};
use jialing_crypto::tunnel::{Opener, Sealer, TunnelSuite};
use jialing_crypto::{SigningKey, Suite};

const SUITES: [TunnelSuite; 2] = [TunnelSuite::International, TunnelSuite::Domestic];

struct Pair {
    bank: SigningKey,
    platform: SigningKey,
}

type Ends = ((Sealer, Opener), (Sealer, Opener));

impl Pair {
    fn of(suite: Suite) -> Self {
        Self { bank: SigningKey::generate(suite), platform: SigningKey::generate(suite) }
    }

    /// A handshake during which `meddle` may change each of the three messages.
    fn shake(&self, suite: TunnelSuite, mut meddle: impl FnMut(usize, &mut Vec<u8>)) -> Result<Ends, String> {
        let (greeting, mut hello) = Greeting::new(suite, "BKA", self.bank.public().id());
        meddle(0, &mut hello);
        let asked = Asked::read(&hello).map_err(|fault| fault.name().to_owned())?;
        assert_eq!((asked.institution.as_str(), asked.serial.as_str()), ("BKA", self.bank.public().id()));
        let (answered, mut hello) = asked.answer(&self.platform).map_err(|fault| fault.name().to_owned())?;
        meddle(1, &mut hello);
        let trusted = [self.platform.public().clone()];
        let (mut proof, sealer, opener) =
            greeting.prove(&hello, &trusted, &self.bank).map_err(|distrust| format!("{distrust:?}"))?;
        meddle(2, &mut proof);
        let server = answered.check(&proof, self.bank.public()).map_err(|fault| fault.name().to_owned())?;
        Ok(((sealer, opener), server))
    }
}

fn carries(sealer: &mut Sealer, opener: &mut Opener) -> bool {
    let mut wire = Vec::new();
    sealer.seal(b"money", &mut wire);
    opener.open(&mut wire).is_ok_and(|plain| plain == b"money")
}

#[test]
fn keys_of_every_suite_prove_who_is_there() {
    for suite in SUITES {
        for key in [Suite::Ed25519, Suite::Sm2Sm3, Suite::RsaSha256, Suite::Es256] {
            let (mut client, mut server) = Pair::of(key).shake(suite, |_, _| {}).expect("they agree");
            assert!(carries(&mut client.0, &mut server.1), "{suite:?} {key} to the server");
            assert!(carries(&mut server.0, &mut client.1), "{suite:?} {key} to the client");
        }
    }
}

#[test]
fn no_changed_byte_of_any_message_gives_a_connection() {
    for suite in SUITES {
        let pair = Pair::of(Suite::Ed25519);
        let mut lengths = [0; 3];
        pair.shake(suite, |message, bytes| lengths[message] = bytes.len()).expect("they agree");
        for (message, length) in lengths.into_iter().enumerate() {
            // The names in the first message have a test of their own.
            let names = if message == 0 { length - "BKA".len() - 18 } else { length };
            for byte in 0..names {
                let meddled = pair.shake(suite, |at, bytes| {
                    if at == message {
                        bytes[byte] ^= 0x10;
                    }
                });
                assert!(meddled.is_err(), "{suite:?}: byte {byte} of message {message} was changed unseen");
            }
        }
    }
}

#[test]
fn a_recorded_hello_or_proof_is_of_no_use_on_another_connection() {
    let pair = Pair::of(Suite::Ed25519);
    let mut recorded: [Vec<u8>; 3] = Default::default();
    pair.shake(TunnelSuite::International, |at, bytes| recorded[at].clone_from(bytes)).expect("they agree");
    // A stranger replays all that a bank said.
    let asked = Asked::read(&recorded[0]).expect("it is well formed");
    let (answered, hello) = asked.answer(&pair.platform).expect("the server answers");
    assert_ne!(hello, recorded[1], "nothing a server says comes twice");
    let replayed = answered.check(&recorded[2], pair.bank.public()).map(|_| ());
    assert_eq!(replayed, Err(Fault::ProofWrong));
    // And all that a platform said.
    let (greeting, _) = Greeting::new(TunnelSuite::International, "BKA", pair.bank.public().id());
    let replayed = greeting.prove(&recorded[1], &[pair.platform.public().clone()], &pair.bank).map(|_| ());
    assert_eq!(replayed, Err(Distrust::WrongProof));
}

#[test]
fn another_key_proves_nothing() {
    let (pair, other) = (Pair::of(Suite::Ed25519), Pair::of(Suite::Ed25519));
    let start = || Greeting::new(TunnelSuite::International, "BKA", pair.bank.public().id());
    let answer = |hello: &[u8], key: &SigningKey| Asked::read(hello).unwrap().answer(key).unwrap();

    let (greeting, hello) = start();
    let (_, hello) = answer(&hello, &other.platform);
    let trusted = [pair.platform.public().clone()];
    let distrust = greeting.prove(&hello, &trusted, &pair.bank).map(|_| ());
    assert_eq!(distrust, Err(Distrust::UnknownKey(other.platform.public().id().to_owned())));

    let (greeting, hello) = start();
    let (answered, hello) = answer(&hello, &pair.platform);
    let (proof, ..) = greeting.prove(&hello, &trusted, &other.bank).expect("the client sees nothing wrong");
    assert_eq!(answered.check(&proof, pair.bank.public()).map(|_| ()), Err(Fault::ProofWrong));
}

#[test]
fn what_is_not_this_protocol_is_refused_by_name() {
    let (_, hello) = Greeting::new(TunnelSuite::International, "BKA", "0123");
    let check = |bytes: &[u8], expect: Fault| {
        assert_eq!(Asked::read(bytes).map(|_| ()), Err(expect), "{bytes:?}");
    };
    check(b"", Fault::HandshakeMalformed);
    check(b"GET / HTTP/1.1\r\n\r\n", Fault::HandshakeMalformed);
    check(&hello[..hello.len() - 1], Fault::HandshakeMalformed);
    check(&[&hello[..], &[0]].concat(), Fault::HandshakeMalformed);
    let changed = |at: usize, value: u8| {
        let mut bytes = hello.clone();
        bytes[at] = value;
        bytes
    };
    check(&changed(0, 2), Fault::ProtocolUnknown);
    check(&changed(10, b'2'), Fault::ProtocolUnknown);
    check(&changed(11, 3), Fault::SuiteRefused);
    // As a hello of the other suite, the key is too short.
    check(&changed(11, 2), Fault::HandshakeMalformed);
    // Not UTF-8.
    check(&changed(hello.len() - 1, 0xff), Fault::HandshakeMalformed);
    // A key that belongs to no secret.
    let mut weak = hello;
    weak[44..76].fill(0);
    let refused = Asked::read(&weak).expect("well formed").answer(&SigningKey::generate(Suite::Ed25519));
    assert_eq!(refused.map(|_| ()), Err(Fault::HandshakeMalformed));
    assert_eq!(Message::body_len([1, 0, 8]), Ok(MAX_MESSAGE));
    assert_eq!(Message::body_len([1, 1, 8]), Err(Fault::HandshakeMalformed));
}

#[test]
fn the_verdict_is_accepted_or_a_named_fault() {
    assert_eq!(verdict(&acceptance()), Ok(()));
    for fault in Fault::ALL {
        assert_eq!(verdict(&refusal(*fault)), Err(Distrust::Refused(*fault)));
    }
    for other in [&b""[..], &[4, 1, 0, 0], &[9, 2, 0, 99, 0], &[9, 1, 0, 1], &[5, 0, 0]] {
        assert_eq!(verdict(other), Err(Distrust::Malformed), "{other:?}");
    }
}
