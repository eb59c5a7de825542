//! The first messages of a stream, until its `start`.

use super::assembler::{Assembler, Message};
use super::pace::Pace;
use super::socket::{Fault, PieceKind, ReadEnd, Reader};
use crate::clock::Clock;
use crate::limits::START_TIME;
use crate::stats::{Counters, count};
use crate::wire::{Inbound, StartInfo, twilio};

/// Waits for `start`, for [`START_TIME`] at most.
pub(super) async fn await_start(reader: &mut Reader, clock: Clock, counters: &Counters) -> Result<StartInfo, ReadEnd> {
    match tokio::time::timeout(START_TIME, read_start(reader, clock, counters)).await {
        Ok(started) => started,
        Err(_) => Err(ReadEnd::Fault(Fault::new(1008, "no start within 5 s"))),
    }
}

async fn read_start(reader: &mut Reader, clock: Clock, counters: &Counters) -> Result<StartInfo, ReadEnd> {
    let mut assembler = Assembler::default();
    let mut pace = Pace::default();
    loop {
        let piece = reader.next().await?;
        let now = clock.now();
        pace.frame(now).map_err(ReadEnd::Fault)?;
        match piece.kind {
            PieceKind::Close => return Err(ReadEnd::Gone),
            // Nobody pings before saying who they are; unanswered, it does no harm.
            PieceKind::Ping | PieceKind::Pong => continue,
            PieceKind::Text | PieceKind::Binary | PieceKind::Continuation => {}
        }
        let Some(message) = assembler.push(now, piece).map_err(ReadEnd::Fault)? else { continue };
        if let Some(start) = greeted(&message, &mut pace, counters).map_err(ReadEnd::Fault)? {
            return Ok(*start);
        }
    }
}

fn greeted(message: &Message, pace: &mut Pace, counters: &Counters) -> Result<Option<Box<StartInfo>>, Fault> {
    let Message::Text(text) = message else {
        return Err(Fault::new(1003, "binary messages are not understood"));
    };
    match twilio::parse(text) {
        Ok(Inbound::Start(start)) if start.media_format.is_ulaw_8k_mono() => Ok(Some(start)),
        Ok(Inbound::Start(_)) => Err(Fault::new(1003, "only audio/x-mulaw at 8000 Hz mono is understood")),
        Ok(Inbound::Connected) => Ok(None),
        Ok(Inbound::Unknown(_)) => {
            count(&counters.messages_unknown, 1);
            Ok(None)
        }
        Ok(_) => Err(Fault::new(1002, "start must come first")),
        Err(_) => {
            count(&counters.messages_bad, 1);
            pace.bad().map(|()| None)
        }
    }
}
