//! The rings of one call: what travels between its socket, its worker and its agent, and what happens at the limit.
//!
//! ```text
//!            rx ──────►        ──────► events
//!   socket               leg     ──────► heard      agent
//!            ◄────── tx        ◄────── speech, commands
//! ```
//! Each has one producer and one consumer and never allocates or waits.
//!
//! | ring | full | empty | late |
//! |---|---|---|---|
//! | rx | the reader waits a few ticks for room, then drops the new frame, counts it and tells the leg; other messages have reserved places, and a peer that fills those too is closed | nothing is due | the detector skips what is later than 160 ms, the agent gets all |
//! | tx | the leg is given no room, sound waits at the agent; other messages have reserved places, and a peer that lets those fill up is closed | the carrier plays what it has | audio of older epochs is dropped by the writer |
//! | speech | what is said waits in the agent's port | silence | – |
//! | events | an agent that lets them fill up is taken for gone | – | – |
//! | heard | caller audio is dropped and counted | – | – |
//! | commands | the port offers it again | – | – |

use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::audio::frame::Frame;
use crate::leg::{Command, Generation, Speech};
use crate::limits::{COMMAND_RING, EVENT_RING, HEARD_RING, RX_RING, SPEECH_RING, TX_RING};
use crate::port::{Digit, Happened};
use crate::time::{Instant, Samples};
use crate::wire::MarkName;

/// A stamp that the carrier did not give.
pub(crate) const NO_STAMP: u32 = u32::MAX;

/// From socket to worker.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rx {
    /// Sound of the caller.
    Media {
        /// Up to 20 ms of it.
        frame: Frame,
        /// When it was said, by the carrier, in ms; [`NO_STAMP`] where the carrier does not say.
        stamp_ms: u32,
        /// When it was read from the socket: the low half of the engine's microseconds.
        read_us: u32,
    },
    /// A key.
    Digit(Digit),
    /// A mark came back.
    Mark(MarkName),
    /// The carrier said `stop`.
    Stop,
}

/// From worker to socket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tx {
    /// Sound to send, unless the call's epoch has moved on.
    Audio {
        /// The epoch that it belongs to.
        epoch: u32,
        /// The sound.
        frame: Frame,
    },
    /// A mark to send.
    Mark(MarkName),
    /// Tell the carrier to forget what it has.
    Clear(Option<Interruption>),
    /// Close with this code.
    Close(u16),
}

/// What a clear that an interruption caused is measured by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interruption {
    /// The caller's sound from the onset of speech to the decision.
    pub(crate) onset: Samples,
    /// When the frame that decided was read: the low half of the engine's microseconds.
    pub(crate) read_us: u32,
}

/// How long ago that was, for what lasts less than an hour.
pub(crate) fn since_us(now: Instant, then_us: u32) -> Duration {
    Duration::from_micros(u64::from((now.micros() as u32).wrapping_sub(then_us)))
}

/// From worker to agent: what happened, sound apart, and how many cuts there were then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// Cuts that the agent must know of before what it says can be heard.
    pub(crate) generation: Generation,
    /// What happened.
    pub(crate) happened: Happened,
}

/// From worker to agent: sound of the caller. In a ring of its own, whose memory nobody touches until somebody listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// How many events were pushed before it.
    pub(crate) after: u32,
    /// The sound.
    pub(crate) frame: Frame,
}

/// The socket's ends.
#[derive(Debug)]
pub(crate) struct SocketEnds {
    pub(crate) rx: Producer<Rx>,
    pub(crate) tx: Consumer<Tx>,
}

/// The worker's ends.
#[derive(Debug)]
pub(crate) struct LegEnds {
    pub(crate) rx: Consumer<Rx>,
    pub(crate) tx: Producer<Tx>,
    pub(crate) events: Producer<Event>,
    pub(crate) heard: Producer<Heard>,
    pub(crate) speech: Consumer<Speech>,
    pub(crate) commands: Consumer<Command>,
}

/// The agent's ends.
#[derive(Debug)]
pub(crate) struct AgentEnds {
    pub(crate) events: Consumer<Event>,
    pub(crate) heard: Consumer<Heard>,
    pub(crate) speech: Producer<Speech>,
    pub(crate) commands: Producer<Command>,
}

/// All rings of one call: about 22 KB, half of it untouched until somebody listens.
pub(crate) fn rings() -> (SocketEnds, LegEnds, AgentEnds) {
    let (rx_in, rx_out) = RingBuffer::new(RX_RING);
    let (tx_in, tx_out) = RingBuffer::new(TX_RING);
    let (events_in, events_out) = RingBuffer::new(EVENT_RING);
    let (heard_in, heard_out) = RingBuffer::new(HEARD_RING);
    let (speech_in, speech_out) = RingBuffer::new(SPEECH_RING);
    let (commands_in, commands_out) = RingBuffer::new(COMMAND_RING);
    (
        SocketEnds { rx: rx_in, tx: tx_out },
        LegEnds {
            rx: rx_out,
            tx: tx_in,
            events: events_in,
            heard: heard_in,
            speech: speech_out,
            commands: commands_out,
        },
        AgentEnds { events: events_out, heard: heard_out, speech: speech_in, commands: commands_in },
    )
}

/// Pushes unless fewer than `reserved` places would be left; false when it was not.
pub(crate) fn push_unreserved<T>(ring: &mut Producer<T>, item: T, reserved: usize) -> bool {
    // Asking the producer is cheap: it looks at the consumer's index only when its own copy says full.
    ring.slots() > reserved && ring.push(item).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{RX_RESERVED, TX_RESERVED};

    #[test]
    fn sound_never_takes_the_places_of_what_must_not_be_lost() {
        let (mut socket, mut leg, _agent) = rings();
        let mut frames = 0;
        while push_unreserved(
            &mut socket.rx,
            Rx::Media { frame: Frame::SILENCE, stamp_ms: NO_STAMP, read_us: 0 },
            RX_RESERVED,
        ) {
            frames += 1;
        }
        assert_eq!(frames, RX_RING - RX_RESERVED);
        for _ in 0..RX_RESERVED {
            socket.rx.push(Rx::Stop).expect("a reserved place");
        }
        assert!(socket.rx.push(Rx::Stop).is_err());
        while push_unreserved(&mut leg.tx, Tx::Audio { epoch: 0, frame: Frame::SILENCE }, TX_RESERVED) {}
        leg.tx.push(Tx::Clear(None)).expect("a reserved place");
    }

    #[test]
    fn a_full_ring_gives_the_item_back_and_keeps_what_it_has() {
        let (mut socket, mut leg, _agent) = rings();
        for n in 0..RX_RING {
            let digit = char::from_digit((n % 10) as u32, 10).expect("a digit");
            socket.rx.push(Rx::Digit(Digit(digit))).expect("room");
        }
        assert!(socket.rx.push(Rx::Stop).is_err());
        assert!(matches!(leg.rx.pop(), Ok(Rx::Digit(Digit('0')))));
    }
}
