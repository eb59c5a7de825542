//! What webhooks answer: followed, refused, or loaded as the next document.

use std::collections::VecDeque;

use super::{Executor, Fetch, Output, State};
use crate::time::Micros;
use crate::twilio::ending::Ending;
use crate::twilio::sound::{self, Decoded};
use crate::twilio::twiml::{self, Element};
use crate::twilio::warning::{Code, Warning};

/// Redirects in a row, Twilio's limit.
pub const MAX_REDIRECTS: u32 = 10;
/// Twilio's limit on a webhook's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// What came back for a [`Fetch`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, without parameters.
    pub content_type: Option<String>,
    /// `Location`, when the status is a redirect.
    pub location: Option<String>,
    /// The body; more than 64 kB is cut one byte behind the limit.
    pub body: Vec<u8>,
}

impl Executor {
    /// The answer to the outstanding request.
    pub fn answer(&mut self, now: Micros, answer: &Answer) {
        let State::Fetching(fetch) = &self.state else { return };
        let fetch = fetch.clone();
        self.verb_began = now;
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return self.follow(now, &fetch, answer);
        }
        if !(200..300).contains(&answer.status) {
            let text = format!("{} answered {}; a webhook must answer 200 with TwiML", fetch.url, answer.status);
            return self.fail(now, Code::HttpRetrieval, text);
        }
        if answer.body.len() > MAX_BODY_BYTES {
            return self.fail(now, Code::BodyTooBig, format!("{} answered with more than 64 kB", fetch.url));
        }
        self.document = Some(fetch.url);
        let body = String::from_utf8_lossy(&answer.body);
        match answer.content_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("text/xml" | "application/xml" | "text/html") => self.load(now, &body),
            Some("text/plain") if twiml::parse(&body).is_ok() => self.load(now, &body),
            Some("text/plain") => self.load_words(now, &body),
            Some(kind) if kind.starts_with("audio/") => self.load_sound(now, kind, &answer.body),
            other => {
                let text = format!("content type {:?}; answer text/xml", other.unwrap_or("(none)"));
                self.fail(now, Code::ContentType, text);
            }
        }
    }

    /// The outstanding request got no answer.
    pub fn no_answer(&mut self, now: Micros, why: &str) {
        if let State::Fetching(fetch) = &self.state {
            let text = format!("{}: {why}", fetch.url);
            self.fail(now, Code::HttpConnection, text);
        }
    }

    fn follow(&mut self, now: Micros, fetch: &Fetch, answer: &Answer) {
        let Some(url) = answer.location.as_deref().and_then(|to| fetch.url.join(to).ok()) else {
            return self.fail(now, Code::HttpRetrieval, format!("{} redirects nowhere", fetch.url));
        };
        let get = fetch.get || !matches!(answer.status, 307 | 308);
        self.request(now, Fetch { url, get, extra: fetch.extra.clone() });
    }

    pub(super) fn request(&mut self, now: Micros, fetch: Fetch) {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            let text = format!("more than {MAX_REDIRECTS} redirects in a row");
            return self.fail(now, Code::TooManyRedirects, text);
        }
        self.out.push_back(Output::Fetch(fetch.clone()));
        self.state = State::Fetching(fetch);
    }

    pub(super) fn fail(&mut self, now: Micros, code: Code, text: String) {
        let warning = Warning::new(code, text);
        self.out.push_back(Output::Warning(warning.clone()));
        let failed = if let State::Fetching(fetch) = &self.state { Some(fetch.url.to_string()) } else { None };
        let failed = failed.or_else(|| self.document.as_ref().map(ToString::to_string)).unwrap_or_default();
        let Some((url, get)) = self.facts.fallback.take() else {
            return self.end(now, Ending::ApplicationError(warning));
        };
        self.verbs.clear();
        self.redirects = 0;
        let extra = vec![("ErrorCode".into(), code.number().to_string()), ("ErrorUrl".into(), failed)];
        self.request(now, Fetch { url, get, extra });
    }

    pub(super) fn load(&mut self, now: Micros, body: &str) {
        match twiml::parse(body) {
            Ok((verbs, warnings)) => {
                self.out.extend(warnings.into_iter().map(Output::Warning));
                self.verbs = self.fit_for_queue(verbs).into();
                self.next_verb(now);
            }
            Err(bad) => self.fail(now, Code::TwimlParse, bad.to_string()),
        }
    }

    fn load_words(&mut self, now: Micros, words: &str) {
        let verb = Element { name: "Say".into(), text: words.trim().into(), ..Element::default() };
        self.verbs = VecDeque::from([verb]);
        self.next_verb(now);
    }

    fn load_sound(&mut self, now: Micros, kind: &str, body: &[u8]) {
        self.verbs.clear();
        match sound::decode(Some(kind), body) {
            Ok(Decoded::Sound(sound)) => self.speak_sound(now, sound),
            // A second of silence stands for what is not decoded here.
            Ok(Decoded::Foreign(_)) => self.speak_sound(now, vec![crate::audio::mulaw::SILENCE; 8_000].into()),
            Err(why) => self.fail(now, Code::ContentType, why),
        }
    }
}
