//! `doctor`: looks at a server from all sides, in the order of a call.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::runtime;
use super::target::{account_sid, auth_token, where_to};
use super::terminal::{complain, say};
use crate::call::course::{Course, Reports};
use crate::call::model::CallPlan;
use crate::call::request::Request;
use crate::caller::script;
use crate::cli::DoctorArgs;
use crate::doctor::call;
use crate::doctor::door::{self, Pong, Stranger};
use crate::doctor::finding::{Finding, Report, Verdict};
use crate::doctor::walk::{self, Walk};
use crate::doctor::webhook::{self, Asked};
use crate::report;
use crate::rng::Rng;
use crate::shell::clock::{self, Clock};
use crate::shell::drive;
use crate::shell::probe::{self, Knock};
use crate::shell::route::Route;
use crate::time::Micros;
use crate::twilio::callee::{Callee, Callees, Reply};
use crate::twilio::executor::{Facts, Fetch, First, TWILIO_API};
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{self, CallStatus, Direction, Parties};
use crate::twilio::stream_plan::StreamPlan;
use crate::twilio::url::Url;
use crate::twilio::{message, signature};

/// A socket without `start` is watched for so long.
const NO_START: Duration = Duration::from_secs(15);

/// Examines, prints, and says by an exit code how it went.
pub(super) fn doctor(args: &DoctorArgs) -> Result<u8, String> {
    if !args.json {
        complain(format!("examining {}, which takes about a quarter of a minute …", args.target.url));
    }
    let report = runtime(examine(args))??;
    if args.json {
        say(report::doctor::json(&report));
    } else {
        say(report::doctor::lines(&report));
    }
    Ok(report.exit_code())
}

/// The server that is examined, and who examines it.
struct Patient {
    url: Url,
    route: Route,
    clock: Clock,
    account: String,
    token: String,
    parties: Parties,
    status_callback: Option<Url>,
    /// Calls that the server took and has not been told the end of.
    open: Vec<Sids>,
    /// Whether the sockets of two calls differ.
    secret: bool,
    rng: Rng,
}

/// A call that has been given its stream.
struct Admitted {
    sids: Sids,
    stream_sid: String,
    plan: StreamPlan,
}

/// Examines the server behind `args`; takes about 15 s.
///
/// # Errors
/// One line that says which argument cannot be used.
pub async fn examine(args: &DoctorArgs) -> Result<Report, String> {
    let mut patient = Patient::new(args)?;
    let url = patient.url.to_string();
    let signed = patient.ask(Some(true)).await;
    let mut findings = webhook::signed(&signed, &patient.url.signed());
    if !signed.is_reached() {
        return Ok(Report { url, reachable: false, findings });
    }
    let missing = patient.ask(None).await;
    let missing = webhook::unsigned("webhook without signature", &missing);
    let wrong = patient.ask(Some(false)).await;
    let wrong = webhook::unsigned("webhook with a wrong signature", &wrong);
    let again = wrong.cause.is_some() && wrong.cause == missing.cause;
    findings.extend([missing, if again { wrong.as_above() } else { wrong }]);
    findings.extend(Box::pin(patient.media()).await);
    patient.hang_up().await;
    Ok(Report { url, reachable: true, findings })
}

impl Patient {
    fn new(args: &DoctorArgs) -> Result<Self, String> {
        let (url, route) = where_to(&args.target)?;
        let status_callback = args.status_callback.as_deref().map(Url::parse).transpose().map_err(|e| e.to_string())?;
        let mut rng = Rng::new(args.seed.unwrap_or_else(clock::fresh_seed));
        Ok(Self {
            url,
            route,
            clock: Clock::start(),
            account: account_sid(&args.target, &mut rng)?,
            token: auth_token(&args.target),
            parties: Parties { from: args.target.from.clone(), to: args.target.to.clone() },
            status_callback,
            open: Vec::new(),
            secret: true,
            rng,
        })
    }

    /// Asks the webhook for a new call: signed rightly, wrongly, or not at all.
    async fn ask(&mut self, rightly: Option<bool>) -> Asked {
        let sids = self.sids();
        let fetch = Fetch { url: self.url.clone(), get: false, extra: Vec::new() };
        let mut request = self.request(&fetch, &sids, CallStatus::Ringing);
        match rightly {
            Some(true) => {}
            Some(false) => request.signature = Some(signature::sign("somebody else's token", &self.url.signed(), &[])),
            None => request.signature = None,
        }
        let asked = probe::ask(request, self.route.clone(), self.clock).await;
        if asked.answer.as_ref().is_ok_and(|answer| answer.status < 300) {
            self.open.push(sids);
        }
        asked
    }

    /// Tells the end of every call that was begun, as Twilio would: a server without it has to guess.
    async fn hang_up(&mut self) {
        let Some(url) = self.status_callback.clone() else { return };
        let fetch = Fetch { url, get: false, extra: Vec::new() };
        for sids in std::mem::take(&mut self.open) {
            let fields = params::end_of_call(&sids, &self.parties, Micros::ZERO, clock::unix_s());
            let request = Request::new(&fetch, fields, &self.token, ids::token(&mut self.rng));
            // Who does not answer this one answers none of the others; the call itself examines that.
            if probe::ask(request, self.route.clone(), self.clock).await.answer.is_err() {
                break;
            }
        }
    }

    fn sids(&mut self) -> Sids {
        Sids { account: self.account.clone(), call: ids::sid("CA", &mut self.rng) }
    }

    fn request(&mut self, fetch: &Fetch, sids: &Sids, status: CallStatus) -> Request {
        let fields = params::voice(sids, &self.parties, Direction::Inbound, status, "");
        Request::new(fetch, fields, &self.token, ids::token(&mut self.rng))
    }

    /// From the TwiML of a new call to its stream.
    async fn walk(&mut self) -> (Sids, Walk) {
        let sids = self.sids();
        self.open.push(sids.clone());
        let facts = Facts {
            sids: sids.clone(),
            parties: self.parties.clone(),
            callees: Callees::all(Callee { reply: Reply::NoAnswer, ring: Micros::ZERO, talk: Micros::ZERO }),
            unix_s: clock::unix_s(),
            api: TWILIO_API.into(),
            fallback: None,
            seed: self.rng.next_u64(),
        };
        let mut walk = Walk::new(self.url.clone(), facts);
        let mut status = CallStatus::Ringing;
        while let Some(fetch) = walk.fetch() {
            let request = self.request(&fetch, &sids, status);
            status = CallStatus::InProgress;
            walk.answer(&probe::ask(request, self.route.clone(), self.clock).await.answer);
        }
        (sids, walk)
    }

    async fn admitted(&mut self) -> Result<Admitted, String> {
        let (sids, walk) = self.walk().await;
        let why = walk.ended.unwrap_or_else(|| "no stream".into());
        walk.plan.map(|plan| self.streaming(sids, plan)).ok_or(why)
    }

    fn streaming(&mut self, sids: Sids, plan: StreamPlan) -> Admitted {
        Admitted { sids, stream_sid: ids::sid("MZ", &mut self.rng), plan }
    }

    /// TwiML, sockets, a call.
    async fn media(&mut self) -> Vec<Finding> {
        let (sids, walk) = self.walk().await;
        let mut findings = walk::judge(&walk);
        let Some(plan) = walk.plan else { return findings };
        let first = self.streaming(sids, plan);
        let second = match self.admitted().await {
            Ok(second) => second,
            Err(why) => {
                findings.push(Finding::skip("secret of each call", format!("a second call got no stream: {why}")));
                return findings;
            }
        };
        let secret = walk::secret(&first.plan, &second.plan);
        self.secret = secret.verdict == Verdict::Pass;
        findings.push(secret);
        let idle = Knock { greeting: vec![message::connected()], patience: NO_START, ..self.knock(&second, None) };
        let (idle, met) = (probe::knock(idle, self.route.clone(), self.clock), self.doors(first));
        let (no_start, doors) = tokio::join!(idle, met);
        findings.extend(doors);
        findings.push(door::no_start(&no_start));
        findings
    }

    /// Sockets of which some must be refused, then the whole call.
    async fn doors(&mut self, first: Admitted) -> Vec<Finding> {
        let mut findings = Vec::new();
        let knock = self.knock(&first, None);
        match probe::enter(knock, self.route.clone(), self.clock).await {
            Err(met) => findings.push(door::opens(&met)),
            Ok((mut socket, met)) => {
                findings.push(door::opens(&met));
                let again = self.knock(&first, None);
                findings.push(self.stranger(Stranger::Twice, again).await);
                let pong = probe::ping(&mut socket, self.clock).await;
                findings.push(door::ping(&pong));
                findings.push(match pong {
                    Pong::Closed(_) => Finding::skip(door::STOP, "the socket was gone before"),
                    Pong::After(_) | Pong::Never => {
                        let last = message::stop(2, &first.sids, &first.stream_sid);
                        door::stop(&probe::stop(socket, last, self.clock).await)
                    }
                });
            }
        }
        for who in [Stranger::OtherCall, Stranger::Unsigned] {
            findings.push(self.stranger_at_a_new_call(who).await);
        }
        findings.push(self.reset().await);
        findings.extend(self.call().await);
        findings
    }

    fn knock(&self, call: &Admitted, other: Option<&Sids>) -> Knock {
        let sids = other.unwrap_or(&call.sids);
        Knock {
            url: call.plan.url.clone(),
            signature: Some(signature::sign(&self.token, &call.plan.url.signed(), &[])),
            greeting: vec![message::connected(), message::start(1, sids, &call.stream_sid, &call.plan.parameters)],
            patience: probe::PATIENCE,
        }
    }

    async fn stranger(&self, who: Stranger, knock: Knock) -> Finding {
        door::stranger(who, &probe::knock(knock, self.route.clone(), self.clock).await, self.secret)
    }

    async fn stranger_at_a_new_call(&mut self, who: Stranger) -> Finding {
        let call = match self.admitted().await {
            Ok(call) => call,
            Err(why) => return Finding::skip(who.probe(), why),
        };
        let other = self.sids();
        let mut knock = self.knock(&call, (who == Stranger::OtherCall).then_some(&other));
        if who == Stranger::Unsigned {
            knock.signature = None;
        }
        self.stranger(who, knock).await
    }

    /// A connection is reset in the middle of a stream; is the next call taken?
    async fn reset(&mut self) -> Finding {
        let Ok(call) = self.admitted().await else { return door::after_reset(&Err("no stream".into())) };
        let knock = self.knock(&call, None);
        if let Ok((socket, _)) = probe::enter(knock, self.route.clone(), self.clock).await {
            probe::reset(socket).await;
        }
        let next = match self.admitted().await {
            Ok(next) => {
                let knock = self.knock(&next, None);
                Ok(probe::knock(knock, self.route.clone(), self.clock).await)
            }
            Err(why) => Err(why),
        };
        door::after_reset(&next)
    }

    async fn call(&mut self) -> Vec<Finding> {
        let script = match script::parse("doctor", call::SCRIPT, Path::new(".")) {
            Ok(script) => Arc::new(script),
            Err(bad) => return vec![Finding::skip("call", bad.to_string())],
        };
        let told = self.status_callback.clone().map(|url| (url, false));
        let plan = CallPlan {
            first: First::Ask(self.url.clone(), false),
            direction: Direction::Inbound,
            sids: self.sids(),
            parties: self.parties.clone(),
            auth_token: self.token.clone(),
            script,
            seed: self.rng.next_u64(),
            course: Course { reports: told.map(Reports::at_the_end), ..Course::default() },
            unix_s: clock::unix_s(),
            keep_sound: false,
        };
        call::judge(&drive::run(plan, self.clock, self.route.clone()).await)
    }
}
