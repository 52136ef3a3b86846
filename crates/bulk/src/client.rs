//! A bank's end of the connection. Blocking, one thread; open several for more at once.
//!
//! ```no_run
//! use jialing_bulk::{Batch, Client, Leg, LegOp, Outcome, Who, account, transfer};
//! # fn key() -> jialing_crypto::SigningKey { unimplemented() }
//! # fn unimplemented<T>() -> T { panic!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let who = Who::new("BKA", key(), vec![/* the platform's public keys */]);
//! let mut bank = Client::connect("127.0.0.1:8090", &who)?;
//! let own = bank.welcome().institution;
//! let mut batch = Batch::new();
//! batch.leg(&Leg {
//!     id: transfer(own, 20261122_0001, 0),
//!     op: LegOp::Plain { debit: account(own, 1), credit: account(own, 2), amount: 12_50 },
//!     kind: bank.welcome().kind,
//!     digest: [0; 24],
//!     meters: [0; 4],
//! })?;
//! for outcome in bank.transfer(&mut batch)? {
//!     match outcome {
//!         Outcome::Done { first } => println!("record {first}"),
//!         Outcome::Already { first } => println!("record {first}, from before"),
//!         Outcome::Refused(refused) => println!("refused: {refused}"),
//!     }
//! }
//! bank.close()?;
//! # Ok(()) }
//! ```
//!
//! [`Client::transfer`] sends one frame and waits. To keep the ledger busy, keep several under way:
//! [`Client::send`] each, and [`Client::receive`] the answers, which come in the order sent. `send`
//! never lets more wait than the server allows; it then takes an answer in first.
//!
//! When a connection ends without an answer, what was under way may or may not have been done. Send
//! the same batches again over a new connection: what was done is [`Outcome::Already`].

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use jialing_crypto::tunnel::{FRAME_OVERHEAD, Opener, Sealer, TunnelSuite};
use jialing_crypto::{PublicKey, SigningKey};
use jialing_ledger::Id;

use crate::frame::{Balance, FrameKind, Header, NewAccount, NewMeter, Welcome, frame};
use crate::handshake::{self, Distrust, Greeting, MESSAGE_HEAD, Message};
use crate::{Batch, Fault, MAX_FRAME_BYTES, Outcome};

/// Who connects, and whom it expects.
#[derive(Clone, Debug)]
pub struct Who {
    /// The institution's code or id.
    pub institution: String,
    /// The key it signs its requests with.
    pub key: SigningKey,
    /// The platform's public keys; one of them must answer.
    pub platform: Vec<PublicKey>,
    /// What to agree and seal with.
    pub suite: TunnelSuite,
    /// How long an answer may take before the connection counts as dead.
    pub answer_within: Duration,
    /// How long [`Client::transfer`] and its like try again while the ledger is busy.
    pub patience: Duration,
}

/// What the server said to one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What became of each group, account or meter, in order.
    Outcomes(Vec<Outcome>),
    /// Balances, in the order asked.
    Balances(Vec<Balance>),
    /// The ledger has too much to do; nothing of the frame was done.
    Busy {
        /// When to try again.
        retry_after_ms: u32,
    },
    /// It is there.
    Pong,
}

/// What went wrong. After any of these but [`Error::TooLarge`] and [`Error::Busy`] the connection is
/// of no more use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The handshake ended before there was a connection.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// The server closed the connection and said why.
    #[error("the server closed the connection: {0}")]
    Closed(Fault),
    /// The connection ended without a word. What was not answered may or may not have been done.
    #[error("the connection was cut; send again what was not answered")]
    Cut,
    /// What came did not come from the server as it was sent.
    #[error("an answer was changed on the way, or is none: {0}")]
    Changed(String),
    /// More than a frame may hold.
    #[error("at most {0} go in one frame")]
    TooLarge(usize),
    /// The ledger was busy for all of [`Who::patience`].
    #[error("the ledger is busy; try again in {retry_after_ms} ms")]
    Busy {
        /// When to try again.
        retry_after_ms: u32,
    },
}

impl Who {
    /// `institution` with its signing `key`, expecting one of the keys `platform`; the international
    /// suite, answers within a minute, half a minute of patience.
    #[must_use]
    pub fn new(institution: impl Into<String>, key: SigningKey, platform: Vec<PublicKey>) -> Self {
        Self {
            institution: institution.into(),
            key,
            platform,
            suite: TunnelSuite::International,
            answer_within: Duration::from_secs(60),
            patience: Duration::from_secs(30),
        }
    }
}

/// A connection to the platform.
pub struct Client {
    stream: BufReader<TcpStream>,
    sealer: Sealer,
    opener: Opener,
    welcome: Welcome,
    patience: Duration,
    next: u64,
    under_way: VecDeque<u64>,
    /// Answers that were taken in before anybody asked for them.
    early: VecDeque<(u64, Answer)>,
    wire: Vec<u8>,
    inbox: Vec<u8>,
}

impl Client {
    /// Connects, proves who this is and that the other side is the platform.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Distrust`] or, once connected, [`Error::Closed`].
    pub fn connect(address: impl ToSocketAddrs, who: &Who) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        Self::over(stream, who)
    }

    /// The same over a connection that is already made.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn over(stream: TcpStream, who: &Who) -> Result<Self, Error> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(who.answer_within))?;
        stream.set_write_timeout(Some(who.answer_within))?;
        let mut stream = BufReader::with_capacity(64 << 10, stream);
        let (greeting, hello) = Greeting::new(who.suite, &who.institution, who.key.public().id());
        stream.get_mut().write_all(&hello)?;
        let answer = read_message(&mut stream)?;
        let (proof, sealer, opener) = greeting.prove(&answer, &who.platform, &who.key)?;
        stream.get_mut().write_all(&proof)?;
        handshake::verdict(&read_message(&mut stream)?)?;
        let mut client = Self {
            stream,
            sealer,
            opener,
            welcome: Welcome::default(),
            patience: who.patience,
            next: 1,
            under_way: VecDeque::new(),
            early: VecDeque::new(),
            wire: Vec::new(),
            inbox: Vec::new(),
        };
        client.welcome = client.read_welcome()?;
        Ok(client)
    }

    /// What this connection may do.
    #[must_use]
    pub const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Frames under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Sends `batch` and returns its number without waiting for the answer; `batch` stays as it is.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send(&mut self, batch: &mut Batch) -> Result<u64, Error> {
        let number = self.next;
        self.send_frame(batch.frame(number))?;
        Ok(number)
    }

    /// The next answer, with the number of the frame that it belongs to. Answers come in the order
    /// in which frames were sent.
    ///
    /// # Errors
    /// See [`Error`]; also when nothing is under way.
    pub fn receive(&mut self) -> Result<(u64, Answer), Error> {
        match self.early.pop_front() {
            Some(answer) => Ok(answer),
            None => self.take_in(),
        }
    }

    /// Sends `batch` and waits for what became of its groups; while the ledger is busy, tries again.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn transfer(&mut self, batch: &mut Batch) -> Result<Vec<Outcome>, Error> {
        self.outcomes(|number| batch.frame(number).to_vec())
    }

    /// Opens accounts of the bank's own; one that is there with the same fields is `Already`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(&mut self, accounts: &[NewAccount]) -> Result<Vec<Outcome>, Error> {
        self.at_most(accounts.len())?;
        let things: Vec<_> = accounts.iter().map(NewAccount::encode).collect();
        self.outcomes(|number| frame(FrameKind::Accounts, number, &things))
    }

    /// Opens meters of the bank's own under published policies, or moves them there.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_meters(&mut self, meters: &[NewMeter]) -> Result<Vec<Outcome>, Error> {
        self.at_most(meters.len())?;
        let things: Vec<_> = meters.iter().map(NewMeter::encode).collect();
        self.outcomes(|number| frame(FrameKind::Meters, number, &things))
    }

    /// Balances of the bank's own accounts, its vault and its issuance account, all at one instant.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn balances(&mut self, accounts: &[Id]) -> Result<Vec<Balance>, Error> {
        self.at_most(accounts.len())?;
        let things: Vec<_> = accounts.iter().map(|id| id.to_le_bytes()).collect();
        match self.ask(|number| frame(FrameKind::Look, number, &things))? {
            Answer::Balances(balances) if balances.len() == accounts.len() => Ok(balances),
            other => Err(unexpected(&other)),
        }
    }

    /// Says that it is still there; a connection that is idle for too long is closed.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn ping(&mut self) -> Result<(), Error> {
        match self.ask(|number| frame::<0>(FrameKind::Ping, number, &[]))? {
            Answer::Pong => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Says goodbye and waits until everything under way was answered. Gives the answers that nobody
    /// had asked for yet.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Cut`] when the server does not say goodbye too.
    pub fn close(mut self) -> Result<Vec<(u64, Answer)>, Error> {
        let number = self.next;
        self.write(&frame::<0>(FrameKind::Goodbye, number, &[]))?;
        let mut answers: Vec<_> = self.early.drain(..).collect();
        while !self.under_way.is_empty() {
            answers.push(self.take_in()?);
        }
        match self.read_frame()? {
            (header, _) if header.kind == FrameKind::Farewell => Ok(answers),
            _ => Err(Error::Cut),
        }
    }

    fn at_most(&self, count: usize) -> Result<(), Error> {
        let most = self.welcome.groups as usize;
        if count <= most { Ok(()) } else { Err(Error::TooLarge(most)) }
    }

    fn outcomes(&mut self, build: impl FnMut(u64) -> Vec<u8>) -> Result<Vec<Outcome>, Error> {
        match self.ask(build)? {
            Answer::Outcomes(outcomes) => Ok(outcomes),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends what `build` makes for a number and waits for its answer, again while it is busy.
    fn ask(&mut self, mut build: impl FnMut(u64) -> Vec<u8>) -> Result<Answer, Error> {
        let until = Instant::now() + self.patience;
        loop {
            let number = self.next;
            self.send_frame(&build(number))?;
            let answer = loop {
                let (of, answer) = self.take_in()?;
                if of == number {
                    break answer;
                }
                self.early.push_back((of, answer));
            };
            let Answer::Busy { retry_after_ms } = answer else { return Ok(answer) };
            let pause = Duration::from_millis(u64::from(retry_after_ms.max(1)));
            if Instant::now() + pause > until {
                return Err(Error::Busy { retry_after_ms });
            }
            std::thread::sleep(pause);
        }
    }

    /// Sends one frame that will be answered, after making room for it in the window.
    fn send_frame(&mut self, plain: &[u8]) -> Result<(), Error> {
        if plain.len() > self.welcome.frame_bytes as usize {
            return Err(Error::TooLarge(self.welcome.groups as usize));
        }
        while self.under_way.len() >= usize::from(self.welcome.window) {
            let answer = self.take_in()?;
            self.early.push_back(answer);
        }
        self.write(plain)?;
        self.under_way.push_back(self.next);
        self.next += 1;
        Ok(())
    }

    fn write(&mut self, plain: &[u8]) -> Result<(), Error> {
        self.wire.clear();
        self.sealer.seal(plain, &mut self.wire);
        self.stream.get_mut().write_all(&self.wire).map_err(|fault| {
            // A server that closes says why before; that is worth more than a broken pipe.
            self.last_word().map_or(Error::Io(fault), Error::Closed)
        })
    }

    /// Why the server closed, if it said so and it can still be read.
    fn last_word(&mut self) -> Option<Fault> {
        loop {
            match self.take_in() {
                Ok(answer) => self.early.push_back(answer),
                Err(Error::Closed(fault)) => return Some(fault),
                Err(_) => return None,
            }
        }
    }

    /// Takes the next answer from the network.
    fn take_in(&mut self) -> Result<(u64, Answer), Error> {
        let (header, body) = self.read_frame()?;
        let changed = |what: &dyn std::fmt::Display| Error::Changed(what.to_string());
        let answer = match header.kind {
            FrameKind::Outcomes => {
                let (answers, _) = body.as_chunks();
                let outcomes = answers.iter().map(Outcome::decode).collect::<Result<_, _>>();
                Answer::Outcomes(outcomes.map_err(|bad| changed(&bad))?)
            }
            FrameKind::Balances => {
                let (balances, _) = body.as_chunks();
                let balances = balances.iter().map(Balance::decode).collect::<Result<_, _>>();
                Answer::Balances(balances.map_err(|bad| changed(&bad))?)
            }
            FrameKind::Busy => {
                Answer::Busy { retry_after_ms: u32::from_le_bytes(std::array::from_fn(|i| body[i])) }
            }
            FrameKind::Pong => Answer::Pong,
            _ => return Err(Error::Changed("a frame that answers nothing".into())),
        };
        match self.under_way.pop_front() {
            Some(number) if number == header.number => Ok((number, answer)),
            _ => Err(Error::Changed("an answer to another frame".into())),
        }
    }

    /// The next frame. A fault is an error.
    fn read_frame(&mut self) -> Result<(Header, &[u8]), Error> {
        let mut length = [0; 4];
        self.read_exact_into(&mut length)?;
        let rest = u32::from_le_bytes(length) as usize;
        if rest > MAX_FRAME_BYTES + FRAME_OVERHEAD {
            return Err(Error::Changed("a frame of that length is not sent".into()));
        }
        self.inbox.clear();
        self.inbox.extend_from_slice(&length);
        self.inbox.resize(length.len() + rest, 0);
        self.stream.read_exact(&mut self.inbox[length.len()..]).map_err(ended)?;
        let plain = self.opener.open(&mut self.inbox).map_err(|fault| Error::Changed(fault.to_string()))?;
        let (header, body) = Header::split(plain).map_err(|fault| Error::Changed(fault.to_string()))?;
        if header.kind == FrameKind::Fault {
            let fault = body.first_chunk().and_then(|number| Fault::from_number(u16::from_le_bytes(*number)));
            return Err(fault.map_or(Error::Cut, Error::Closed));
        }
        Ok((header, body))
    }

    fn read_exact_into(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.stream.read_exact(into).map_err(ended)
    }

    /// The first frame.
    fn read_welcome(&mut self) -> Result<Welcome, Error> {
        match self.read_frame()? {
            (header, body) if header.kind == FrameKind::Welcome => {
                Welcome::decode(body).map_err(|fault| Error::Changed(fault.to_string()))
            }
            _ => Err(Error::Changed("the first frame is no welcome".into())),
        }
    }
}

fn ended(fault: io::Error) -> Error {
    match fault.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Error::Cut,
        _ => Error::Io(fault),
    }
}

fn unexpected(answer: &Answer) -> Error {
    Error::Changed(format!("the server answered another question: {answer:?}"))
}

fn read_message(stream: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut head = [0; MESSAGE_HEAD];
    stream.read_exact(&mut head).map_err(ended)?;
    let length = Message::body_len(head).map_err(Distrust::from)?;
    let mut message = head.to_vec();
    message.resize(MESSAGE_HEAD + length, 0);
    stream.read_exact(&mut message[MESSAGE_HEAD..]).map_err(ended)?;
    Ok(message)
}
