//! The agent's port: what an agent (a tokio task that thinks) hears of a call, and what it may ask of it.
//!
//! An agent never sees sockets, carriers or deadlines of frames. It receives [`AgentEvent`]s from
//! [`AgentPort::next`] and speaks with [`AgentPort::say`], or with [`begin`](AgentPort::begin),
//! [`append`](AgentPort::append) and [`finish`](AgentPort::finish) while the sound is still being made.
//!
//! An agent whose model wants 16-bit PCM at 16, 24 or 48 kHz says so once ([`AgentPort::use_rate`]); it then hears with
//! [`heard_pcm`](AgentPort::heard_pcm) and speaks with [`append_pcm`](AgentPort::append_pcm).
//!
//! *Full:* what the agent says waits here, in its own task, at most [`PORT_PIECES_MAX`](crate::limits::PORT_PIECES_MAX)
//! pieces; then `say` and `append` give the sound back. *Empty:* the call is silent. *Late:* an agent that does not
//! take its events loses caller audio first (counted), never a turn, a digit or the end; when even the places for
//! those are full it is taken for gone, and the call ends once what it said has been played.

mod event;
mod pcm;
mod pending;
mod port;

pub(crate) use event::Happened;
pub use event::{AgentEvent, Digit, EndCause, Playout, UtteranceId};
pub use port::{AgentPort, PortFull, Say};
