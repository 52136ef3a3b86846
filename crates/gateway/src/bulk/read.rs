//! Whole frames out of a stream of bytes.

use std::ops::Range;
use std::time::Duration;

use jialing_bulk::{Fault, MAX_FRAME_BYTES};
use jialing_crypto::tunnel::FRAME_OVERHEAD;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, timeout_at};

/// Room that is made for each read. A frame's own room grows as its bytes come, not as they are
/// announced.
const CHUNK: usize = 256 << 10;
const LENGTH: usize = 4;

/// Reads frames of one connection.
pub(super) struct Frames {
    from: OwnedReadHalf,
    bytes: Vec<u8>,
    /// Where the bytes begin that were not given out yet.
    start: usize,
    current: Range<usize>,
    /// Since when the present frame, or the wait for it, counts.
    since: Instant,
    idle: Duration,
    whole: Duration,
}

/// How reading ended without a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client closed between two frames, or the network failed.
    Closed,
    /// The client broke a rule.
    Fault(Fault),
}

impl Frames {
    pub(super) fn new(from: OwnedReadHalf, idle: Duration, whole: Duration) -> Self {
        Self { from, bytes: Vec::new(), start: 0, current: 0..0, since: Instant::now(), idle, whole }
    }

    /// Waits for the next frame. May be dropped and called again: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<(), Ended> {
        self.current = loop {
            if let Some(frame) = self.whole_frame()? {
                break frame;
            }
            self.more().await?;
        };
        self.start = self.current.end;
        self.since = Instant::now();
        Ok(())
    }

    /// The frame that [`Frames::next`] found, length and tag included.
    pub(super) fn current(&mut self) -> &mut [u8] {
        &mut self.bytes[self.current.clone()]
    }

    /// The present frame if all of it is here.
    fn whole_frame(&self) -> Result<Option<Range<usize>>, Ended> {
        let here = &self.bytes[self.start..];
        let Some(length) = here.first_chunk::<LENGTH>() else { return Ok(None) };
        let length = LENGTH + u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME_BYTES + FRAME_OVERHEAD {
            return Err(Ended::Fault(Fault::FrameTooLarge));
        }
        Ok((here.len() >= length).then(|| self.start..self.start + length))
    }

    /// Reads what there is.
    async fn more(&mut self) -> Result<(), Ended> {
        let left = self.bytes.len() - self.start;
        if left == 0 {
            self.bytes.clear();
            self.start = 0;
        } else if self.bytes.capacity() - self.bytes.len() < CHUNK && self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.capacity() - self.bytes.len() < CHUNK / 4 {
            // Exactly: doubling would keep twice the largest frame.
            self.bytes.reserve_exact(CHUNK);
        }
        let (limit, late) =
            if left == 0 { (self.idle, Fault::Idle) } else { (self.whole, Fault::FrameTimeout) };
        match timeout_at(self.since + limit, self.from.read_buf(&mut self.bytes)).await {
            Err(_) => Err(Ended::Fault(late)),
            Ok(Err(_)) | Ok(Ok(0)) => Err(Ended::Closed),
            Ok(Ok(_)) => {
                // A frame's time runs from its first byte.
                if left == 0 {
                    self.since = Instant::now();
                }
                Ok(())
            }
        }
    }

    /// Reads and throws away what still comes, so that a last word is not lost to a reset.
    pub(super) async fn drain(&mut self, most: Duration) {
        let until = Instant::now() + most;
        loop {
            self.bytes.clear();
            self.bytes.reserve(CHUNK / 4);
            match timeout_at(until, self.from.read_buf(&mut self.bytes)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => return,
            }
        }
    }
}
