//! What the executor wants of the world.

use super::LegNews;
use crate::twilio::ending::Ending;
use crate::twilio::form::Fields;
use crate::twilio::notice::Notice;
use crate::twilio::recording::Recording;
use crate::twilio::sound::Sound;
use crate::twilio::stream_plan::StreamPlan;
use crate::twilio::url::Url;
use crate::twilio::warning::Warning;

/// A request that the model wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where to.
    pub url: Url,
    /// `GET` instead of `POST`.
    pub get: bool,
    /// Fields beyond those that every webhook carries.
    pub extra: Fields,
}

/// A sound that is to be made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Fetch it from here, by GET and without fields; at most [`crate::twilio::sound::MAX_FILE_BYTES`].
    Fetch(Url),
    /// Have these words spoken.
    Say {
        /// The words.
        text: String,
        /// Such as `en-US`.
        language: String,
        /// As written, or empty.
        voice: String,
    },
}

/// What the executor wants, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this request and hand in the answer.
    Fetch(Fetch),
    /// Make this request beside the call; its answer is only judged, by [`crate::twilio::notice::judge`].
    Notify(Notice),
    /// The same for a status callback of a call that was dialled, with what goes wrong on the way of such.
    Report(Notice),
    /// Make a sound ready and hand it in with [`super::Executor::prepared`].
    Prepare {
        /// To be handed back.
        number: u64,
        /// What.
        job: Job,
    },
    /// The caller hears this from now on.
    Play(Sound),
    /// What the caller hears stops.
    Hush,
    /// Open this stream and say when it has ended.
    OpenStream(StreamPlan),
    /// Open this one-way stream beside the call; its identifier names it from then on.
    OpenTap(StreamPlan),
    /// Close the one-way stream with this identifier.
    CloseTap(String),
    /// A verb began; for the timeline.
    Verb(String),
    /// The TwiML dials this party.
    Dial(String),
    /// A call that was dialled stands so from now on.
    Leg(LegNews),
    /// A recording is finished.
    Recorded(Box<Recording>),
    /// Something that Twilio's debugger would show.
    Warning(Warning),
    /// The call is over.
    End(Ending),
}

/// Where something is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Absolute.
    pub url: Url,
    /// `GET` instead of `POST`.
    pub get: bool,
}
