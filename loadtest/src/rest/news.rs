//! What a live call tells the API: how it stands, and what the debugger would show.

use crate::call::event::What;
use crate::call::model::{Call, StreamNews};
use crate::twilio::executor::LegNews;
use crate::twilio::params::CallStatus;
use crate::twilio::recording::Recording;
use crate::twilio::warning::Warning;

/// Something that happened on a live call.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It stands so from now on.
    Status(CallStatus),
    /// The debugger shows this.
    Warning(Warning),
    /// Who answered, as Twilio found out.
    AnsweredBy(String),
    /// A recording is finished, and can be heard.
    Recorded(Box<Recording>),
    /// One of its one-way streams is being opened, or is over.
    Stream(StreamNews),
    /// A call that its TwiML dialled stands so.
    Leg(LegNews),
    /// So many orders have been taken.
    Obeyed(u64),
    /// Nothing more will come; a call that has not ended by then broke.
    Over,
}

/// Looks at a call again and again, and says what is new.
#[derive(Debug, Default)]
pub struct Watcher {
    status: Option<CallStatus>,
    seen: usize,
    recorded: usize,
    legs: usize,
    streams: usize,
    orders: u64,
    answered_by: Option<&'static str>,
}

impl Watcher {
    /// What happened since the last look.
    pub fn look(&mut self, call: &Call) -> Vec<News> {
        let fresh = call.events.get(self.seen..).unwrap_or_default();
        self.seen = call.events.len();
        let mut news: Vec<News> = fresh.iter().filter_map(|event| warning(&event.what)).collect();
        let recordings = call.recordings.get(self.recorded..).unwrap_or_default();
        self.recorded = call.recordings.len();
        news.extend(recordings.iter().map(|recording| News::Recorded(Box::new(recording.clone()))));
        news.extend(call.legs.get(self.legs..).unwrap_or_default().iter().cloned().map(News::Leg));
        self.legs = call.legs.len();
        news.extend(call.streams.get(self.streams..).unwrap_or_default().iter().cloned().map(News::Stream));
        self.streams = call.streams.len();
        if self.orders < call.orders_taken {
            news.push(News::Obeyed(call.orders_taken - self.orders));
            self.orders = call.orders_taken;
        }
        if self.answered_by != call.answered_by() {
            self.answered_by = call.answered_by();
            news.extend(self.answered_by.map(|who| News::AnsweredBy(who.to_owned())));
        }
        if self.status != Some(call.status()) {
            self.status = Some(call.status());
            news.push(News::Status(call.status()));
        }
        news
    }
}

fn warning(what: &What) -> Option<News> {
    match what {
        What::Warning(warning) => Some(News::Warning(warning.clone())),
        _ => None,
    }
}
