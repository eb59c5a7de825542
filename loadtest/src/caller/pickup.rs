//! What a script says of the call around it: how the called party takes it, and what goes wrong with its callbacks.

use serde::Deserialize;

use crate::call::course::{Mishaps, Pickup};
use crate::time::Micros;

/// `[pickup]` as written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RawPickup {
    /// A person answers.
    Person {
        /// So long after the first ring.
        #[serde(default = "soon")]
        after_ms: u64,
    },
    /// A machine answers.
    Machine {
        /// So long after the first ring.
        #[serde(default = "soon")]
        after_ms: u64,
        /// How long its greeting is.
        greeting_ms: u64,
        /// Whether it beeps then.
        #[serde(default = "yes")]
        beep: bool,
    },
    /// A fax answers.
    Fax {
        /// So long after the first ring.
        #[serde(default = "soon")]
        after_ms: u64,
    },
    /// Who calls in hangs up unless he was answered; nobody takes a call that goes out to him.
    GivesUp {
        /// So long after the first ring.
        after_ms: u64,
    },
    /// The line is busy.
    Busy {
        /// So long after the first ring.
        #[serde(default)]
        after_ms: u64,
    },
    /// Nobody answers.
    Nobody {},
    /// The call cannot be made.
    Fails {
        /// Why, in SIP's numbers.
        #[serde(default = "not_found")]
        sip: u16,
    },
}

const fn soon() -> u64 {
    1_000
}

const fn yes() -> bool {
    true
}

const fn not_found() -> u16 {
    404
}

impl From<RawPickup> for Pickup {
    fn from(raw: RawPickup) -> Self {
        let ms = Micros::from_ms;
        match raw {
            RawPickup::Person { after_ms } => Self::Person(ms(after_ms)),
            RawPickup::Machine { after_ms, greeting_ms, beep } => {
                Self::Machine { after: ms(after_ms), greeting: ms(greeting_ms), beep }
            }
            RawPickup::Fax { after_ms } => Self::Fax(ms(after_ms)),
            RawPickup::GivesUp { after_ms } => Self::GivesUp(ms(after_ms)),
            RawPickup::Busy { after_ms } => Self::Busy(ms(after_ms)),
            RawPickup::Nobody {} => Self::Nobody,
            RawPickup::Fails { sip } => Self::Fails(sip),
        }
    }
}

/// `[callbacks]` as written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMishaps {
    lose: f64,
    repeat: f64,
    delay_ms: u64,
    reorder: bool,
}

impl RawMishaps {
    /// What is meant; shares are cut to 0 … 1.
    #[must_use]
    pub fn mishaps(self) -> Mishaps {
        let share = |share: f64| if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let (lose, repeat) = (share(self.lose), share(self.repeat));
        Mishaps { lose, repeat, delay: Micros::from_ms(self.delay_ms.min(600_000)), reorder: self.reorder }
    }
}
