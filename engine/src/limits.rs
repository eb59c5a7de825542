//! Every bound of the engine, with its reason. Nothing here grows with what a peer sends.

use std::time::Duration;

/// Sound that must still wait at the carrier when more is sent, until marks have told how the network is: long enough
/// for a network that stalls for a quarter of a second.
pub const CUSHION: Duration = Duration::from_millis(240);
/// The least of it, on a network that keeps its time: ticks, wakes and an unlucky packet.
pub const CUSHION_MIN: Duration = Duration::from_millis(100);
/// The most of it: what was sent can only be taken back by a `clear`.
pub const CUSHION_MAX: Duration = Duration::from_millis(640);
/// Marks that must have come back before the cushion follows them.
pub const CUSHION_MARKS_MIN: u32 = 8;

/// The longest sound kept waiting at the carrier.
pub const LEAD_MAX: Duration =
    Duration::from_millis(CUSHION_MAX.as_millis() as u64 + MESSAGE_LENGTH.as_millis() as u64);

/// Length of an outbound message. Short messages cost a write each; long ones make the lead coarse.
pub const MESSAGE_LENGTH: Duration = Duration::from_millis(160);

/// Frames in one outbound message: [`MESSAGE_LENGTH`] of them in the steady state, a few more while the lead fills.
pub const MESSAGE_FRAMES_MAX: usize = 10;

/// Sound between two progress marks. Each costs a message both ways and halves the error of what was heard.
pub const PROGRESS_MARK_EVERY: Duration = Duration::from_millis(500);

/// Marks out at once: two per second of lead, one per utterance. A carrier that returns none stops there.
pub const MARKS_PENDING_MAX: usize = 24;

/// How long past its time a mark is waited for before the clock decides.
pub const MARK_OVERDUE: Duration = Duration::from_secs(2);

/// Utterances begun and not yet over, per call.
pub const UTTERANCES_LIVE_MAX: usize = 16;

/// Messages from socket to worker: 240 ms of frames, and [`RX_RESERVED`] places for what is no sound. What a network
/// that stalled delivers at once waits in the socket for a few ticks.
pub const RX_RING: usize = 20;
/// Places of [`RX_RING`] that sound may not take.
pub const RX_RESERVED: usize = 8;

/// Places for sound below which the reader waits for the worker before it reads on: a message of a few frames.
pub const RX_ROOM_FRAMES: usize = 4;
/// How long the reader waits for a worker before it reads on and drops what finds no place.
pub const RX_PATIENCE: Duration = Duration::from_millis(100);

/// Lateness beyond which the detector skips a frame: older sound would only make it late. Whoever listens gets all of
/// them.
pub const HEARD_LATE_MAX: Duration = Duration::from_millis(160);

/// Messages from worker to socket: 240 ms of frames that the writer has not taken yet and [`TX_RESERVED`] places for
/// what is no sound. A longer lead is filled in two ticks.
pub const TX_RING: usize = 24;
/// Places of [`TX_RING`] that sound may not take.
pub const TX_RESERVED: usize = 12;

/// Frames from agent to worker: 400 ms.
pub const SPEECH_RING: usize = 20;

/// Events from worker to agent, caller audio apart.
pub const EVENT_RING: usize = 32;
/// Frames of caller audio from worker to agent: 1.28 s, so that a second that comes at once finds a place however busy the
/// agent's runtime is. Memory that nobody touches until somebody listens.
pub const HEARD_RING: usize = 64;

/// Commands from agent to worker.
pub const COMMAND_RING: usize = 16;

/// Pieces (clips, chunks, beginnings, ends) that an agent may have waiting in its port.
pub const PORT_PIECES_MAX: usize = 256;

/// Fragments of one WebSocket message.
pub const FRAGMENTS_MAX: usize = 16;
/// Time for all fragments of one message.
pub const FRAGMENTS_TIME: Duration = Duration::from_secs(5);

/// Pings answered per second; more are a flood.
pub const PINGS_PER_SECOND_MAX: u32 = 10;

/// Inbound messages per second above which a peer is flooding: a stream sends 50, bunched after a stall a few
/// hundred.
pub const MESSAGES_PER_SECOND_MAX: u32 = 2_000;

/// Messages that could not be understood before a peer is told to go.
pub const BAD_MESSAGES_MAX: u32 = 50;

/// Time from the upgrade to `start`.
pub const START_TIME: Duration = Duration::from_secs(5);

/// Time without any sound after which the line is probed by a mark, and once more until it is given up.
pub const SILENT_LINE: Duration = Duration::from_secs(10);

/// Lateness beyond which a frame counts as late: three frames.
pub const LATE_FRAME: Duration = Duration::from_millis(60);

/// For how long the earliest arrival is the measure of lateness: after a network has become slower for good, or its
/// clock has drifted, frames are late for so long at most.
pub const ARRIVAL_WINDOW: Duration = Duration::from_secs(2);

/// Frames of silence put in the place of a gap: a second, however far the carrier's stamps leap.
pub const GAP_FRAMES_MAX: u32 = 50;

/// How often a live call is shown to others.
pub const VIEW_EVERY: Duration = Duration::from_secs(1);

/// Time that a write to a socket may take: a peer that does not read is gone.
pub const WRITE_TIME: Duration = Duration::from_secs(2);

/// Time that a peer has to answer our close.
pub const CLOSE_TIME: Duration = Duration::from_secs(1);

// A message must fit the ring to the socket.
const _: () = assert!(MESSAGE_FRAMES_MAX <= TX_RING - TX_RESERVED);
const _: () = assert!(LEAD_MAX.as_millis() <= 800);
const _: () = assert!(MESSAGE_LENGTH.as_millis() / 20 <= MESSAGE_FRAMES_MAX as u128);
const _: () = assert!(RX_ROOM_FRAMES < RX_RING - RX_RESERVED);
