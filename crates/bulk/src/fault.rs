//! Why a connection was closed. Every fault has a name and a permanent number.

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal $text:literal),* $(,)?) => {
        /// Why a connection was closed, or never came to be.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Fault { $($(#[doc = $doc])* $name = $number),* }

        impl Fault {
            /// Every fault, in order of number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The fault with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// Its name, as in the documentation and the figures.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means and what to do, in one line.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii_start()),* }
            }
        }
    };
}

faults! {
    /// The first bytes are not this protocol's, or of a version that is not spoken here.
    ProtocolUnknown = 1 "protocol_unknown",
    /// A message of the handshake is cut, too long, or not of this form.
    HandshakeMalformed = 2 "handshake_malformed",
    /// The suite is unknown, or this server does not offer it.
    SuiteRefused = 3 "suite_refused",
    /// No valid key of this number belongs to this institution: unknown, ended or revoked.
    KeyUnknown = 4 "key_unknown",
    /// The signature does not fit what was said on this connection: another key, or a replay.
    ProofWrong = 5 "proof_wrong",
    /// The handshake took too long.
    HandshakeTimeout = 6 "handshake_timeout",
    /// The institution, or the server, has as many connections open as it may.
    ConnectionsFull = 7 "connections_full",
    /// Only operating banks do bulk work.
    NotOperating = 8 "not_operating",
    /// Too many handshakes failed from this address; wait a minute.
    RateLimited = 9 "rate_limited",
    /// A frame is longer than the limit.
    FrameTooLarge = 10 "frame_too_large",
    /// A frame was changed, repeated, left out or moved on the way.
    FrameChanged = 11 "frame_changed",
    /// A frame opened, but its bytes are not of this form; a mistake of the client.
    FrameMalformed = 12 "frame_malformed",
    /// A frame was begun and did not arrive in time.
    FrameTimeout = 13 "frame_timeout",
    /// Nothing came for too long; send pings to stay.
    Idle = 14 "idle",
    /// The client does not read its answers.
    ReaderTooSlow = 15 "reader_too_slow",
    /// The key was revoked or ended while the connection was open.
    KeyRevoked = 16 "key_revoked",
    /// The connection reached its longest age; open another.
    TooOld = 17 "too_old",
    /// The server is stopping; every frame that it took was answered.
    Stopping = 18 "stopping",
    /// The ledger has stopped; send what was not answered again after it is back.
    LedgerStopped = 19 "ledger_stopped",
    /// The server met a defect of its own; it is in its log.
    Internal = 20 "internal",
}

impl Fault {
    /// The permanent number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name(), self.meaning())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_lead_back() {
        let mut names = std::collections::BTreeSet::new();
        for fault in Fault::ALL {
            assert_eq!(Fault::from_number(fault.number()), Some(*fault));
            assert!(names.insert(fault.name()), "{fault}");
            assert!(fault.meaning().ends_with('.'), "{fault}");
        }
        assert_eq!((Fault::from_number(0), Fault::from_number(21)), (None, None));
    }
}
