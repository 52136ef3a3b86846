//! The handshake, from the server's side.

use std::sync::Arc;

use jialing_bulk::Fault;
use jialing_bulk::handshake::{self, Asked, MESSAGE_HEAD, Message};
use jialing_crypto::tunnel::{Opener, Sealer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Member;
use super::serve::{Place, Shared};

/// A connection whose two ends have proved who they are.
pub(super) struct Proven {
    pub(super) institution: String,
    pub(super) serial: String,
    pub(super) member: Member,
    pub(super) place: Place,
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
}

/// How a handshake ended without a connection.
pub(super) enum Failed {
    /// The client went away.
    Gone,
    /// The client is to be told.
    Refused(Fault),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

impl From<std::io::Error> for Failed {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// Shakes hands on `stream`.
pub(super) async fn shake(shared: &Arc<Shared>, stream: &mut TcpStream) -> Result<Proven, Failed> {
    let asked = Asked::read(&message(stream).await?)?;
    let (institution, serial) = (asked.institution.clone(), asked.serial.clone());
    let member = shared.banks.find(&institution, &serial).await?;
    let keys = &shared.config.keys;
    let key = keys.iter().find(|key| key.suite() == member.key.suite()).or(keys.first());
    let (answered, hello) = asked.answer(key.ok_or(Fault::Internal)?)?;
    stream.write_all(&hello).await?;
    let (sealer, opener) = answered.check(&message(stream).await?, &member.key)?;
    // Only who proved the bank's key takes one of its places.
    let place = shared.enter(member.authority.institution).ok_or(Fault::ConnectionsFull)?;
    stream.write_all(&handshake::acceptance()).await?;
    Ok(Proven { institution, serial, member, place, sealer, opener })
}

async fn message(stream: &mut TcpStream) -> Result<Vec<u8>, Failed> {
    let mut head = [0; MESSAGE_HEAD];
    stream.read_exact(&mut head).await?;
    let length = Message::body_len(head)?;
    let mut message = head.to_vec();
    message.resize(MESSAGE_HEAD + length, 0);
    stream.read_exact(&mut message[MESSAGE_HEAD..]).await?;
    Ok(message)
}
