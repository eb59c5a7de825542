//! One-way streams of a live call as the API knows them: begun by it or by `<Start><Stream>`, stopped by name or SID.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::calls::place;
use super::given::Given;
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::executor::Callback;
use crate::twilio::stream_plan::{self, Kind, StreamPlan};
use crate::twilio::twiml::Element;

/// Streams of one call that are remembered; the oldest that has stopped makes room.
const MOST: usize = 64;
/// `Parameter1` to `Parameter99`.
const PARAMETERS: std::ops::RangeInclusive<u32> = 1..=99;

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// `MZ…`
    pub sid: String,
    /// As it was given, or its SID.
    pub name: String,
    /// How many tracks it has.
    pub tracks: usize,
    /// Whether it has not been stopped.
    pub running: bool,
    /// When it last changed.
    pub updated: Micros,
}

impl Stream {
    /// As the API shows it.
    #[must_use]
    pub fn show(&self, account: &str, call: &str, unix_s: u64) -> Value {
        let named = Some(&self.name).filter(|name| **name != self.sid);
        json!({
            "sid": self.sid,
            "account_sid": account,
            "call_sid": call,
            "name": named,
            "status": if self.running { "in-progress" } else { "stopped" },
            "date_updated": date::rfc2822(unix_s + self.updated.0 / 1_000_000),
            "uri": format!("/2010-04-01/Accounts/{account}/Calls/{call}/Streams/{}.json", self.sid),
        })
    }
}

/// The streams of one call, the oldest first.
#[derive(Debug, Default)]
pub struct Streams(Vec<Stream>);

impl Streams {
    /// Takes a stream; one that is known becomes it.
    pub fn put(&mut self, stream: Stream) {
        if let Some(known) = self.0.iter_mut().find(|known| known.sid == stream.sid) {
            *known = stream;
            return;
        }
        if self.0.len() >= MOST
            && let Some(stopped) = self.0.iter().position(|stream| !stream.running)
        {
            self.0.remove(stopped);
        }
        self.0.push(stream);
    }

    /// The stream of this SID, or the newest of this name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Stream> {
        self.0.iter_mut().rev().find(|stream| stream.sid == name || stream.name == name)
    }

    /// Whether one of this name is running.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|stream| stream.running && stream.name == name)
    }

    /// Tracks of those that are running.
    #[must_use]
    pub fn tracks(&self) -> usize {
        self.0.iter().filter(|stream| stream.running).map(|stream| stream.tracks).sum()
    }
}

/// Reads what a new stream is to be, checked as `<Start><Stream>` is.
///
/// # Errors
/// 20001 without a URL, 21609 for the callback's; else the number that the debugger would show: 31922, 31923, 31941.
pub fn plan(form: &Given, sid: String) -> Result<StreamPlan, Refusal> {
    let Some(url) = form.filled("Url") else { return Err(Refusal::parameter("Url parameter is required.")) };
    let callback = place(form, "StatusCallback", "StatusCallbackMethod", 21_609)?;
    let given = |name: &str, value: Option<&str>| value.map(|value| (name.to_owned(), value.to_owned()));
    let attributes =
        [given("url", Some(url)), given("name", form.filled("Name")), given("track", form.filled("Track"))];
    let noun = Element {
        name: "Stream".into(),
        attributes: attributes.into_iter().flatten().collect(),
        children: PARAMETERS.filter_map(|number| parameter(form, number)).collect(),
        ..Element::default()
    };
    let (planned, mut warnings) = stream_plan::plan(None, &noun, sid, Kind::OneWay);
    match planned {
        Ok(plan) => Ok(StreamPlan { callback: callback.map(|(url, get)| Callback { url, get }), ..plan }),
        Err(_) => {
            let why = warnings.pop();
            Err(why.map_or_else(Refusal::method, |why| Refusal::bad(why.code.number(), why.text)))
        }
    }
}

fn parameter(form: &Given, number: u32) -> Option<Element> {
    let name = form.filled(&format!("Parameter{number}.Name"))?.to_owned();
    let value = form.get(&format!("Parameter{number}.Value")).unwrap_or_default().to_owned();
    let attributes = vec![("name".to_owned(), name), ("value".to_owned(), value)];
    Some(Element { name: "Parameter".into(), attributes, ..Element::default() })
}
