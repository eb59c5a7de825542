//! Twilio in a box: an independent, strict fake of Twilio's side of a voice call with Media Streams.
//!
//! In the order of a call:
//! * [`cli`] reads the command line into a plan, [`run`] starts the calls, [`shell`] has the sockets and the clock;
//! * [`call`] is one whole call without socket or clock: it joins the two halves below and writes the timeline;
//! * [`twilio`] is the carrier: webhooks, signatures, TwiML, media messages, playback buffer;
//! * [`caller`] is the person: a script, a voice, a noisy line, an ear;
//! * [`doctor`] examines any server, and says what it does wrong and what to do;
//! * [`fleet`] holds many calls on one thread, at a hundredth of the cost, and measures the server;
//! * [`capacity`] searches for the number of calls that a server holds, with fleet after fleet;
//! * [`webhooks`] is a stream of voice webhooks alone: how fast a server answers calls;
//! * [`rest`] is the voice REST API: who asks for a call, and what becomes of it;
//! * [`report`] turns what happened into a timeline, a table, JSON and a WAV.
//!
//! Invariants: only `shell` reads the clock or touches a socket; the same seed and the same answers give the same call.

// A reader that stops (`| head`) makes them panic; `run::terminal` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod audio;
pub mod call;
pub mod caller;
pub mod capacity;
pub mod cli;
pub mod doctor;
pub mod fleet;
pub mod report;
pub mod rest;
pub mod rng;
pub mod run;
pub mod shell;
pub mod time;
pub mod twilio;
pub mod webhooks;
