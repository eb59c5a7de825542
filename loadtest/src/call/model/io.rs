//! What goes into a call and what comes out of it: all that its shell has to know.

use super::Order;
use crate::call::request::Request;
use crate::time::Micros;
use crate::twilio::executor::Answer;
use crate::twilio::playback::Label;
use crate::twilio::url::Url;
use crate::twilio::warning::Warning;

/// What happens to a call.
#[derive(Debug)]
pub enum Input<'a> {
    /// A request was answered.
    Answer(&'a Answer),
    /// A request was not answered, and why.
    NoAnswer(String),
    /// An [`Output::Notify`] was answered, or not, and why.
    Notified {
        /// Its number.
        number: u64,
        /// What came back.
        answer: Result<Answer, String>,
    },
    /// An [`Output::Prepare`] was answered, or not, and why; `Ok(None)` when nobody can make this sound.
    Prepared {
        /// Its number.
        number: u64,
        /// A sound, as its content type says.
        answer: Result<Option<Answer>, String>,
    },
    /// The media socket is open.
    StreamOpen,
    /// The media socket could not be opened.
    StreamRefused(Warning),
    /// A text message came.
    Text(&'a str),
    /// A message came without a wire.
    Said(Said<'a>),
    /// A binary message of this length came.
    Binary(usize),
    /// The server closed the socket properly.
    Closed(String),
    /// The socket broke.
    Broken(Warning),
    /// What became of a second socket.
    SecondSocket {
        /// Whether the server spoke with it.
        accepted: bool,
        /// What was seen.
        said: String,
    },
    /// The account wants something of the live call.
    Order(Order),
    /// The socket of [`Output::OpenTap`] is open.
    TapOpen(&'a str),
    /// It could not be opened, or broke, and why; or the server closed it.
    TapClosed(&'a str, Option<Warning>),
    /// Time has passed.
    Tick,
}

/// What a server says [without a wire](super::Call::without_wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// Sound.
    Media(Label),
    /// A mark.
    Mark(&'a str),
    /// A clear.
    Clear,
}

/// What a server is told without a wire, sound apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A mark goes back.
    Mark(String),
    /// A key was pressed.
    Digit(char),
    /// The stream is over.
    Stop,
}

/// A sound that is to be made ready.
#[derive(Debug, PartialEq, Eq)]
pub enum Prepare {
    /// Make this request; the answer may be [`crate::twilio::sound::MAX_FILE_BYTES`] long.
    Fetch(Box<Request>),
    /// Have this spoken, as a WAV.
    Say {
        /// The words.
        text: String,
        /// Such as `en-US`.
        language: String,
        /// As the TwiML has it, or empty.
        voice: String,
    },
}

/// What the call wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this request; answer with [`Input::Answer`] or [`Input::NoAnswer`].
    Request(Box<Request>),
    /// Make this request beside the call; answer with [`Input::Notified`]. Several may be under way.
    Notify {
        /// To be handed back.
        number: u64,
        /// The request.
        request: Box<Request>,
    },
    /// Make this sound ready; answer with [`Input::Prepared`].
    Prepare {
        /// To be handed back.
        number: u64,
        /// What.
        job: Prepare,
    },
    /// Open this socket; answer with [`Input::StreamOpen`] or [`Input::StreamRefused`].
    OpenStream {
        /// Where.
        url: Url,
        /// `X-Twilio-Signature`.
        signature: String,
    },
    /// Send this text; a frame of sound says when it was due.
    Send {
        /// The message.
        text: String,
        /// When it ought to be on its way.
        due: Option<Micros>,
    },
    /// Tell the server this without a wire.
    Tell(Told),
    /// Close the socket; nothing comes back.
    CloseStream,
    /// Reset the connection; nothing comes back.
    ResetStream,
    /// Read from the socket, or leave what comes where it is.
    Reading(bool),
    /// Open another socket, say this on it, see whether the server speaks with it; answer with
    /// [`Input::SecondSocket`].
    OpenSecond {
        /// Where.
        url: Url,
        /// `X-Twilio-Signature`.
        signature: String,
        /// The first messages.
        greeting: Vec<String>,
    },
    /// Open another socket, on which nothing is read; answer with [`Input::TapOpen`] or [`Input::TapClosed`].
    OpenTap {
        /// Its name from now on.
        sid: String,
        /// Where.
        url: Url,
        /// `X-Twilio-Signature`.
        signature: String,
    },
    /// Send this on it.
    SendTap {
        /// Which.
        sid: String,
        /// The message.
        text: String,
    },
    /// Close it; nothing comes back.
    CloseTap {
        /// Which.
        sid: String,
    },
    /// Nothing more will happen.
    Done,
}
