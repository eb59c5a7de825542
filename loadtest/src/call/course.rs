//! What is settled before a call begins: who takes it, how long it rings, what is found out, and who is told.

use crate::call::detection::Detection;
use crate::time::Micros;
use crate::twilio::params::CallStatus;
use crate::twilio::recording::Track;
use crate::twilio::url::Url;

/// A webhook's place, and whether it is asked by GET instead of POST.
pub type Place = (Url, bool);

/// What the called party does, counted from the first ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pickup {
    /// A person answers.
    Person(Micros),
    /// A machine answers, speaks a greeting of this length, and beeps or does not.
    Machine {
        /// When.
        after: Micros,
        /// How long its greeting is.
        greeting: Micros,
        /// Whether it beeps then.
        beep: bool,
    },
    /// A fax answers.
    Fax(Micros),
    /// Who calls in hangs up if nobody has answered by then; nobody takes a call that goes out to him.
    GivesUp(Micros),
    /// The line is busy.
    Busy(Micros),
    /// Nobody answers.
    Nobody,
    /// The call cannot be made, for this reason of SIP; it never rings.
    Fails(u16),
}

impl Default for Pickup {
    fn default() -> Self {
        Self::Person(Micros::from_ms(1_000))
    }
}

/// Of which steps of a call is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// It is dialled.
    pub initiated: bool,
    /// It rings.
    pub ringing: bool,
    /// Somebody answered.
    pub answered: bool,
    /// It is over.
    pub completed: bool,
}

impl Steps {
    /// The default.
    pub const COMPLETED: Self = Self { initiated: false, ringing: false, answered: false, completed: true };
    /// All four.
    pub const ALL: Self = Self { initiated: true, ringing: true, answered: true, completed: true };

    /// By Twilio's words; others are ignored.
    pub fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut steps = Self { completed: false, ..Self::COMPLETED };
        for word in words {
            match word {
                "initiated" => steps.initiated = true,
                "ringing" => steps.ringing = true,
                "answered" => steps.answered = true,
                "completed" => steps.completed = true,
                _ => {}
            }
        }
        steps
    }
}

/// What goes wrong with status callbacks on their way, drawn from the call's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mishaps {
    /// So often one is never sent, 0 to 1.
    pub lose: f64,
    /// So often one is sent twice, with the same idempotency token.
    pub repeat: f64,
    /// Each is late by up to this.
    pub delay: Micros,
    /// They are sent without waiting for one another, so that a late one is overtaken.
    pub reorder: bool,
}

/// Who is told how the call goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reports {
    /// Where.
    pub to: Place,
    /// Of what.
    pub steps: Steps,
}

impl Reports {
    /// The end of the call alone, as a number's status callback.
    #[must_use]
    pub const fn at_the_end(to: Place) -> Self {
        Self { to, steps: Steps::COMPLETED }
    }
}

/// A recording of the whole call (`Record=true`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taping {
    /// What is recorded.
    pub track: Track,
    /// In two channels.
    pub dual: bool,
    /// Told of it.
    pub to: Option<Place>,
    /// Of what: `in-progress`, `completed`, `absent`.
    pub events: Vec<&'static str>,
}

/// What is settled before a call begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// What the called party does; of one who calls in, only whether he gives up.
    pub pickup: Pickup,
    /// How long it rings; Twilio adds five seconds.
    pub timeout: Micros,
    /// The call ends so long after it was answered.
    pub time_limit: Option<Micros>,
    /// It ends like this before it is dialled, for this reason of SIP's: nothing comes of it but word of its end.
    pub undialled: Option<(CallStatus, u16)>,
    /// Who is told how it goes.
    pub reports: Option<Reports>,
    /// What goes wrong with its status callbacks, and those of calls that it dials.
    pub mishaps: Mishaps,
    /// Asked when the TwiML cannot be had or carried out.
    pub fallback: Option<Place>,
    /// Who answers is looked into.
    pub detection: Option<Detection>,
    /// The call goes on meanwhile, and the verdict is told there.
    pub detected: Option<Place>,
    /// The whole call is recorded.
    pub taping: Option<Taping>,
    /// Keys that are pressed when somebody answers; `w` waits half a second, `W` one.
    pub send_digits: Option<String>,
    /// Under which URL recordings are fetched; without one, Twilio's.
    pub api: Option<String>,
}

/// Without a `Timeout`.
const TIMEOUT: Micros = Micros::from_ms(60_000);

impl Default for Course {
    fn default() -> Self {
        Self {
            pickup: Pickup::default(),
            timeout: TIMEOUT,
            time_limit: None,
            undialled: None,
            reports: None,
            mishaps: Mishaps::default(),
            fallback: None,
            detection: None,
            detected: None,
            taping: None,
            send_digits: None,
            api: None,
        }
    }
}
