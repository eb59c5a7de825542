//! Options of a call that the account places, as its REST request would have said it.

use clap::{Args, ValueEnum};

use super::place;
use crate::call::course::{Course, Pickup, Place, Reports, Steps};
use crate::call::detection::Detection;
use crate::time::Micros;

/// How the call is placed and taken.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Calls that the account places (--outbound)")]
pub struct OutboundArgs {
    /// Place the call, as if the account had asked for it by REST: it rings at --to, and when it is taken the TwiML is
    /// asked for with Direction=outbound-api.
    #[arg(long)]
    pub outbound: bool,
    /// Who takes the call; by default what the script's pickup says, a person after a second.
    #[arg(long, requires = "outbound")]
    pub pickup: Option<Who>,
    /// How long it rings before nobody answers; Twilio adds five seconds.
    #[arg(long, requires = "outbound", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: Option<u64>,
    /// Of what the status callback is told; by default of the end.
    #[arg(long, requires_all = ["outbound", "status_callback"], value_delimiter = ',', value_name = "EVENTS")]
    pub status_callback_events: Vec<Event>,
    /// Find out whether a person or a machine answers, and tell in the request for TwiML (AnsweredBy).
    #[arg(long, requires = "outbound", value_name = "MODE")]
    pub machine_detection: Option<Mode>,
    /// Tell it here instead, while the call goes on (AsyncAmd).
    #[arg(long, requires = "machine_detection", value_name = "URL")]
    pub async_amd_callback: Option<String>,
}

/// Who takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// Somebody, after a second.
    Person,
    /// An answering machine: five seconds of greeting, a beep.
    Machine,
    /// A fax.
    Fax,
    /// The line is busy.
    Busy,
    /// It rings until it is given up.
    Nobody,
    /// There is no such number.
    Fails,
}

/// A step of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Event {
    /// It is dialled.
    Initiated,
    /// It rings.
    Ringing,
    /// It was taken.
    Answered,
    /// It is over.
    Completed,
}

/// What is found out about who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// As soon as it is known.
    Enable,
    /// A machine only when its greeting is over.
    DetectMessageEnd,
}

const SOON: Micros = Micros::from_ms(1_000);
/// Longer than any person says hello.
const GREETING: Micros = Micros::from_ms(5_000);
/// There is no such number.
const NOT_FOUND: u16 = 404;

impl From<Who> for Pickup {
    fn from(who: Who) -> Self {
        match who {
            Who::Person => Self::Person(SOON),
            Who::Machine => Self::Machine { after: SOON, greeting: GREETING, beep: true },
            Who::Fax => Self::Fax(SOON),
            Who::Busy => Self::Busy(SOON),
            Who::Nobody => Self::Nobody,
            Who::Fails => Self::Fails(NOT_FOUND),
        }
    }
}

impl OutboundArgs {
    /// `course` as it goes for a call that is placed.
    ///
    /// # Errors
    /// What is wrong with an option.
    pub fn course(&self, course: Course) -> Result<Course, String> {
        if !self.outbound {
            return Ok(course);
        }
        Ok(Course {
            pickup: self.pickup.map_or(course.pickup, Pickup::from),
            timeout: self.timeout.map_or(course.timeout, |seconds| Micros::from_ms(seconds * 1_000)),
            reports: course.reports.map(|reports| Reports { steps: self.steps(), ..reports }),
            detection: self
                .machine_detection
                .map(|mode| Detection { message_end: mode == Mode::DetectMessageEnd, ..Detection::default() }),
            detected: self.detected()?,
            ..course
        })
    }

    fn detected(&self) -> Result<Option<Place>, String> {
        place("--async-amd-callback", self.async_amd_callback.as_deref())
    }

    fn steps(&self) -> Steps {
        let told = |event| self.status_callback_events.contains(&event);
        if self.status_callback_events.is_empty() {
            return Steps::COMPLETED;
        }
        Steps {
            initiated: told(Event::Initiated),
            ringing: told(Event::Ringing),
            answered: told(Event::Answered),
            completed: told(Event::Completed),
        }
    }
}
