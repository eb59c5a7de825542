//! The first messages of a stream, until its `start`.

use std::future::poll_fn;

use super::assembler::{Assembler, Message};
use super::frame::{Fault, Kind, Piece};
use super::pace::Pace;
use super::socket::{ReadEnd, Reader, Takes};
use crate::clock::Clock;
use crate::limits::START_TIME;
use crate::stats::{Counters, count};
use crate::wire::{Inbound, StartInfo, twilio};

/// Waits for `start`, for [`START_TIME`] at most. What came behind it stays in the reader.
pub(super) async fn await_start(reader: &mut Reader, clock: Clock, counters: &Counters) -> Result<StartInfo, ReadEnd> {
    let mut greeting =
        Greeting { clock, counters, assembler: Assembler::default(), pace: Pace::default(), start: None };
    let started = poll_fn(|context| reader.poll(context, &mut greeting));
    match tokio::time::timeout(START_TIME, started).await {
        // It has no room for more once it has its start.
        Ok(Ok(())) => greeting.start.map(|start| *start).ok_or(ReadEnd::Gone),
        Ok(Err(end)) => Err(end),
        Err(_) => Err(ReadEnd::Fault(Fault::new(1008, "no start within 5 s"))),
    }
}

/// Takes messages until a `start` comes.
struct Greeting<'a> {
    clock: Clock,
    counters: &'a Counters,
    assembler: Assembler,
    pace: Pace,
    start: Option<Box<StartInfo>>,
}

impl Takes for Greeting<'_> {
    fn has_room(&mut self) -> bool {
        self.start.is_none()
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<(), ReadEnd> {
        let now = self.clock.now();
        self.pace.frame(now).map_err(ReadEnd::Fault)?;
        match piece.kind {
            Kind::Close => return Err(ReadEnd::Gone),
            // Nobody pings before saying who they are; unanswered, it does no harm.
            Kind::Ping | Kind::Pong => return Ok(()),
            Kind::Text | Kind::Binary | Kind::Continuation => {}
        }
        if let Some(message) = self.assembler.push(now, piece).map_err(ReadEnd::Fault)? {
            self.start = greeted(&message, &mut self.pace, self.counters).map_err(ReadEnd::Fault)?;
        }
        Ok(())
    }
}

fn greeted(message: &Message<'_>, pace: &mut Pace, counters: &Counters) -> Result<Option<Box<StartInfo>>, Fault> {
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
