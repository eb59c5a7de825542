//! The first messages of a stream, until its `start`.

use std::future::poll_fn;
use std::sync::Arc;

use super::assembler::{Assembler, Message};
use super::frame::{Fault, Kind, Piece};
use super::pace::Pace;
use super::socket::{ReadEnd, Reader, Takes};
use crate::limits::START_TIME;
use crate::stats::{Counters, count};
use crate::time::Instant;
use crate::wire::{Inbound, StartInfo, twilio};

/// Waits for `start`, for [`START_TIME`] at most. What came behind it stays in the reader.
pub(super) async fn await_start(reader: &mut Reader, counters: &Arc<Counters>) -> Result<StartInfo, ReadEnd> {
    let mut greeting = Greeting::new(counters.clone());
    let started = poll_fn(|context| reader.poll(context, &mut greeting));
    match tokio::time::timeout(START_TIME, started).await {
        // It has no room for more once it has its start.
        Ok(Ok(())) => greeting.start.map(|start| *start).ok_or(ReadEnd::Gone),
        Ok(Err(end)) => Err(end),
        Err(_) => Err(NO_START),
    }
}

/// What a stream is told whose `start` did not come in time.
pub(super) const NO_START: ReadEnd = ReadEnd::Fault(Fault::new(1008, "no start within 5 s"));

/// Takes messages until a `start` comes.
#[derive(Debug)]
pub(super) struct Greeting {
    counters: Arc<Counters>,
    assembler: Assembler,
    pace: Pace,
    pub(super) start: Option<Box<StartInfo>>,
}

impl Greeting {
    /// A stream that has said nothing yet.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, assembler: Assembler::default(), pace: Pace::default(), start: None }
    }
}

impl Takes for Greeting {
    fn has_room(&mut self) -> bool {
        self.start.is_none()
    }

    fn take(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ReadEnd> {
        self.pace.frame(now).map_err(ReadEnd::Fault)?;
        match piece.kind {
            Kind::Close => return Err(ReadEnd::Gone),
            // Nobody pings before saying who they are; unanswered, it does no harm.
            Kind::Ping | Kind::Pong => return Ok(()),
            Kind::Text | Kind::Binary | Kind::Continuation => {}
        }
        if let Some(message) = self.assembler.push(now, piece).map_err(ReadEnd::Fault)? {
            self.start = greeted(&message, &mut self.pace, &self.counters).map_err(ReadEnd::Fault)?;
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
