//! What the account asks of a call that is under way, by REST.

use super::{Call, Media, Output, StreamNews};
use crate::call::course::{Place, Reports};
use crate::call::event::What;
use crate::call::network::Network;
use crate::time::Micros;
use crate::twilio::ending::Ending;
use crate::twilio::executor::First;
use crate::twilio::recording::Plan;
use crate::twilio::stream_plan::StreamPlan;

/// Orders that wait for one call, at most: whoever gives them counts, and refuses what is beyond.
pub const MAX_ORDERS: usize = 64;

/// What changes for the rest of a call; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Asked when the TwiML cannot be had.
    pub fallback: Option<Place>,
    /// Told how the call goes on: of what it was told before, else of its end alone.
    pub status_callback: Option<Place>,
    /// The call ends so long after it was answered; at once where that is past.
    pub time_limit: Option<Micros>,
}

/// An order to a live call. On a call that has ended it does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on with these settings.
    Set(Box<Settings>),
    /// Drop what is being done and go on with this TwiML; an open stream is stopped.
    Redirect(First),
    /// End the call, whether anybody has answered or not.
    HangUp,
    /// Call it off. Once somebody has answered it does nothing: the two may cross.
    Cancel,
    /// Record the call from now on.
    StartRecording(Box<Plan>),
    /// Hold this recording up; the pause is left out if true, else it is silence.
    PauseRecording(String, bool),
    /// Go on with this recording.
    ResumeRecording(String),
    /// End the recording with this identifier.
    StopRecording(String),
    /// Open a one-way stream beside the call.
    StartStream(Box<StreamPlan>),
    /// Close the one-way stream with this identifier or name.
    StopStream(String),
    /// End the call with this identifier, which the TwiML dialled; only while it rings if true.
    EndLeg(String, bool),
}

impl Call {
    pub(super) fn order(&mut self, order: Order) {
        self.orders_taken += 1;
        if self.ended.is_some() {
            return;
        }
        match order {
            Order::Set(settings) => self.set(*settings),
            Order::Redirect(first) => {
                self.note(What::Verb { text: "redirected by REST".into() });
                self.end_media();
                // An answer that is still under way belongs to what was dropped.
                self.requested = None;
                self.executor.redirect(self.now, first);
            }
            Order::StartRecording(plan) => self.executor.start_recording(self.now, *plan),
            Order::PauseRecording(sid, skip) => self.executor.pause_recording(self.now, &sid, skip),
            Order::ResumeRecording(sid) => self.executor.resume_recording(self.now, &sid),
            Order::StopRecording(sid) => {
                self.executor.stop_recording(self.now, &sid);
            }
            Order::StartStream(plan) => {
                // What is refused was shown by the API as running.
                let news = StreamNews::of(&plan, false);
                if !self.executor.start_stream(*plan) {
                    self.tell_stream(news);
                }
            }
            Order::StopStream(name) => self.executor.stop_stream(self.now, &name),
            Order::EndLeg(sid, ringing) => self.executor.end_leg(self.now, &sid, ringing),
            Order::HangUp => self.executor.end(self.now, Ending::Completed),
            Order::Cancel if self.life.answered().is_some() || self.executor.is_answered() => {
                self.note(What::Verb { text: "canceled by REST too late: somebody has answered".into() });
            }
            Order::Cancel => self.executor.end(self.now, Ending::Canceled),
        }
    }

    fn set(&mut self, settings: Settings) {
        let course = &mut self.plan.course;
        if let Some(to) = settings.status_callback {
            match &mut course.reports {
                Some(reports) => reports.to = to,
                None => course.reports = Some(Reports::at_the_end(to)),
            }
        }
        if let Some(limit) = settings.time_limit {
            course.time_limit = Some(limit);
            self.limit_time();
        }
        if let Some(fallback) = settings.fallback {
            self.executor.set_fallback(fallback);
        }
    }

    /// Twilio ends the stream: `stop`, then the close.
    pub(super) fn end_media(&mut self) {
        match std::mem::replace(&mut self.media, Media::None) {
            Media::Open(mut stream) => {
                let why = self.stop_stream(&mut stream);
                self.close_books(&stream, why);
                self.network = Network::default();
            }
            Media::Opening(_) => self.out.push_back(Output::CloseStream),
            Media::None => {}
        }
    }
}
