//! Who is let in at the media socket, and how the server behaves when somebody behaves badly.

use super::finding::Finding;
use crate::time::Micros;
use crate::twilio::warning::{Code, Warning};

/// What became of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// It was not opened.
    Refused(Warning),
    /// The server closed it, or dropped it.
    Closed {
        /// With which code, or how.
        how: String,
        /// How long after the last message of ours.
        after: Micros,
    },
    /// The server sent a message.
    Spoke,
    /// It stayed open, in silence.
    Stayed(Micros),
}

impl Met {
    /// Whether the server has anything to do with who stands there.
    #[must_use]
    pub const fn is_let_in(&self) -> bool {
        matches!(self, Self::Spoke | Self::Stayed(_))
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Refused(warning) => warning.text.clone(),
            Self::Closed { how, after } => format!("closed after {after} ({how})"),
            Self::Spoke => "the server spoke".into(),
            Self::Stayed(long) => format!("it stayed open for {long}"),
        }
    }
}

const OPENS: &str = "socket opens";
const NO_START: &str = "no start";
const ABRUPT: &str = "abrupt close";
/// The probe of what the server does when the call is over.
pub const STOP: &str = "stop";

/// A socket as Twilio opens it.
#[must_use]
pub fn opens(met: &Met) -> Finding {
    let cure = "answer the upgrade with 101; check the handshake's signature over the wss:// URL without parameters";
    match met {
        Met::Spoke | Met::Stayed(_) => Finding::pass(OPENS, met.describe()),
        Met::Refused(warning) => {
            Finding::fail(OPENS, met.describe(), "Twilio goes on behind <Connect>", cure).with_code(warning.code)
        }
        Met::Closed { .. } => {
            let cause = "the stream is over before it began; Twilio goes on behind <Connect>";
            let cure = "look into the server's log: it did not like connected, start or a frame of sound";
            Finding::fail(OPENS, met.describe(), cause, cure).with_code(Code::StreamClosed)
        }
    }
}

/// What a stranger tries at the media socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// No `X-Twilio-Signature`.
    Unsigned,
    /// The URL and parameters of a call that is already being streamed.
    Twice,
    /// A fresh URL, but `start` names another call.
    OtherCall,
}

impl Stranger {
    /// The probe's name.
    #[must_use]
    pub const fn probe(self) -> &'static str {
        match self {
            Self::Unsigned => "socket without signature",
            Self::Twice => "token used twice",
            Self::OtherCall => "start of another call",
        }
    }
}

/// A stranger must stand outside. `secret` is whether the sockets of two calls differ at all; where they do not, there
/// is nothing to tell strangers by, which is said once and not again.
#[must_use]
pub fn stranger(who: Stranger, met: &Met, secret: bool) -> Finding {
    let probe = who.probe();
    if !met.is_let_in() {
        return Finding::pass(probe, format!("refused: {}", met.describe()));
    }
    if !secret && who != Stranger::Unsigned {
        return Finding::skip(probe, "let in, as nothing tells the socket of one call from another's (see above)");
    }
    let (cause, cure) = match who {
        Stranger::Unsigned => (
            "anybody can talk to your bot, and have it talk, on your bill",
            "check X-Twilio-Signature of the handshake over the wss:// URL, and answer 403 if it is wrong or missing (in \
             a development mode that lets it pass, this is expected)",
        ),
        Stranger::Twice => (
            "who has seen the URL of one call (a log, a proxy) can open another socket with it",
            "let each token open one socket, within a minute",
        ),
        Stranger::OtherCall => (
            "a token of one call opens a stream in the name of another",
            "compare callSid and accountSid of start with the call that the token was issued for; close with 1008",
        ),
    };
    Finding::fail(probe, met.describe(), cause, cure)
}

/// A socket on which nobody says `start`.
#[must_use]
pub fn no_start(met: &Met) -> Finding {
    match met {
        Met::Stayed(_) | Met::Spoke => {
            let cause = "sockets that say nothing fill the server, whoever opened them";
            Finding::warn(NO_START, met.describe(), cause, "close a socket that has no start within 10 s")
        }
        Met::Closed { .. } | Met::Refused(_) => Finding::pass(NO_START, met.describe()),
    }
}

/// Whether the server takes calls after one whose connection was reset.
#[must_use]
pub fn after_reset(met: &Result<Met, String>) -> Finding {
    let cause = "a connection that breaks without a close is an everyday event; the next caller must not notice";
    let cure = "treat the end of the socket, however it comes, as stop";
    match met {
        Ok(met) if met.is_let_in() => Finding::pass(ABRUPT, "the next call is taken"),
        Ok(met) => Finding::fail(ABRUPT, format!("the next call: {}", met.describe()), cause, cure),
        Err(why) => Finding::fail(ABRUPT, format!("the next call: {why}"), cause, cure),
    }
}

/// What becomes of a WebSocket ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pong {
    /// It came back.
    After(Micros),
    /// It did not, for two seconds.
    Never,
    /// The server ended the socket instead, like this.
    Closed(String),
}

/// Whether a WebSocket ping came back, and how soon.
#[must_use]
pub fn ping(pong: &Pong) -> Finding {
    const PROBE: &str = "ping";
    let cure =
        "use a WebSocket library that answers pings by itself, and let it read: nothing in the handler may block";
    match pong {
        Pong::After(after) => Finding::pass(PROBE, format!("answered after {after}")),
        Pong::Never => {
            let cause = "RFC 6455 wants a pong; proxies and carriers close what does not answer";
            Finding::fail(PROBE, "no pong within 2 s", cause, cure)
        }
        Pong::Closed(how) => {
            let cause =
                "RFC 6455 wants a pong; here a ping, which any proxy on the way may send, ends the call's stream";
            Finding::fail(PROBE, format!("the server ended the socket instead ({how})"), cause, cure)
        }
    }
}

/// What the server does when Twilio says `stop`.
#[must_use]
pub fn stop(met: &Met) -> Finding {
    match met {
        Met::Closed { how, after } => Finding::pass(STOP, format!("closes {after} later ({how})")),
        Met::Refused(warning) => Finding::skip(STOP, warning.text.clone()),
        Met::Spoke | Met::Stayed(_) => {
            let cause = "Twilio closes as well; if that is lost on the way, the ended call keeps its place";
            Finding::warn(STOP, format!("after stop {}", met.describe()), cause, "close the socket when stop has come")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn strangers_outside_pass_and_strangers_inside_fail() {
        let closed = Met::Closed { how: "1008".into(), after: Micros::from_ms(3) };
        for who in [Stranger::Unsigned, Stranger::Twice, Stranger::OtherCall] {
            assert_eq!(stranger(who, &closed, true).verdict, Verdict::Pass);
            assert_eq!(stranger(who, &Met::Spoke, true).verdict, Verdict::Fail);
            assert_eq!(stranger(who, &Met::Stayed(Micros::from_ms(2_000)), true).verdict, Verdict::Fail);
            let alike = if who == Stranger::Unsigned { Verdict::Fail } else { Verdict::Skip };
            assert_eq!(stranger(who, &Met::Spoke, false).verdict, alike);
        }
        assert_eq!((opens(&closed).verdict, opens(&Met::Spoke).verdict), (Verdict::Fail, Verdict::Pass));
        assert_eq!((stop(&closed).verdict, stop(&Met::Spoke).verdict), (Verdict::Pass, Verdict::Warn));
        assert_eq!((no_start(&closed).verdict, no_start(&Met::Spoke).verdict), (Verdict::Pass, Verdict::Warn));
    }
}
