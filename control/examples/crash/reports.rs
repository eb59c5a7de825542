//! Reports of a caller's call, signed and repeated until they are acknowledged, some sent twice at once: what is heard of a
//! recording, a transcription in parts, and how the call ended.

use std::sync::Arc;
use std::time::Duration;

use loadtest::rng::Rng;
use loadtest::twilio::{form, signature};
use tokio::task::JoinSet;

use crate::carrier::{ACCOUNT, Carrier, OURS, TOKEN};
use crate::client;
use crate::ledger::Report;
use crate::world::World;

const LOOK: Duration = Duration::from_millis(300);

/// Who is called what in a report.
#[derive(Debug, Clone)]
struct Caller {
    sid: String,
    number: String,
}

/// All that is reported of one call.
pub(crate) async fn of_call(world: Arc<World>, carrier: Carrier, n: u64, sid: String, number: String) {
    let mut rng = world.rng("reports", n);
    let (caller, mut sent) = (Caller { sid, number }, JoinSet::new());
    let hex = |rng: &mut Rng| format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64());
    let (recording, transcription) = (format!("RE{}", hex(&mut rng)), format!("GT{}", hex(&mut rng)));
    let mut send = |path: &'static str, name: String, status: &str, fields: Vec<(String, String)>, twice: bool| {
        let form = caller.form(status, fields);
        for _ in 0..if twice { 2 } else { 1 } {
            let report = Report { sid: caller.sid.clone(), number: caller.number.clone(), name: name.clone() };
            sent.spawn(until_acknowledged(Arc::clone(&world), path, form.clone(), report));
        }
    };
    for state in ["in-progress", "completed"] {
        let fields = pairs(&[("RecordingSid", &recording), ("RecordingStatus", state)]);
        send("/twilio/recording", format!("{recording}:{state}"), "in-progress", fields, rng.below(5) == 0);
        for _ in 0..4 + rng.below(8) {
            tokio::time::sleep(Duration::from_millis(rng.below(300))).await;
            let part = rng.next_u64() >> 32;
            let fields = pairs(&[
                ("TranscriptionSid", &transcription),
                ("TranscriptionEvent", "transcription-content"),
                ("TranscriptionText", "I would like to know when you are open"),
                ("SequenceId", &part.to_string()),
            ]);
            let name = format!("{transcription}:{part}");
            send("/twilio/transcription", name, "in-progress", fields, rng.below(5) == 0);
        }
    }
    if let Some(status) = until_over(&carrier, &caller.sid).await {
        // What the carrier itself says of the end, and may have lost.
        let fields = pairs(&[("SequenceNumber", "0"), ("CallDuration", "1")]);
        send("/twilio/status", format!("{}:0", caller.sid), &status, fields, rng.below(5) == 0);
    }
    drop(sent.join_all().await);
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Caller {
    fn form(&self, status: &str, more: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut fields = pairs(&[
            ("CallSid", &self.sid),
            ("AccountSid", ACCOUNT),
            ("From", &self.number),
            ("To", OURS),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("ApiVersion", "2010-04-01"),
        ]);
        fields.extend(more);
        fields
    }
}

async fn until_over(carrier: &Carrier, sid: &str) -> Option<String> {
    loop {
        let call = carrier.call(sid).await.ok()?;
        if call.is_over() {
            return Some(call.status);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn until_acknowledged(world: Arc<World>, path: &str, fields: Vec<(String, String)>, report: Report) {
    let signature = signature::sign(TOKEN, &format!("{}{path}", world.public), &fields);
    let (form, mut pause) = (form::encode(&fields), client::AGAIN);
    loop {
        match world.api.form(path, &signature, &form).await {
            Some(status) if (200..300).contains(&status) => break,
            Some(status) if (400..500).contains(&status) => {
                return world.fault("reports are taken", None, format!("{} is answered {status}", report.name));
            }
            Some(_) => world.count("reports answered 5xx"),
            None => world.count("reports not answered"),
        }
        client::wait(&mut pause).await;
    }
    world.count("reports acknowledged");
    world.ledger().report(world.life(), report);
}
