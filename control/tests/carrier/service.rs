//! The service and its carrier, from the start on: what the doctor says of it, the number that is pointed here, and the
//! carrier that there is where nobody has an account.

use std::process::{Output, Stdio};
use std::time::Duration;

use control::carrier::{Pointing, Webhooks};
use control::config::PublicUrl;
use loadtest::rest::number::NumberPlan;
use serde_json::json;

use crate::model::{ACCOUNT, Model, OURS, Setup, TOKEN, twilio};
use crate::support::api::Client;
use crate::support::{DataDir, Host};

const PUBLIC: &str = "http://127.0.0.1:1";
const ELSEWHERE: &str = "https://before.example/voice";

async fn model() -> Model {
    let number = NumberPlan { phone_number: OURS.into(), voice_url: ELSEWHERE.into(), ..NumberPlan::default() };
    Model::start(Setup { number, ..Setup::default() }).await
}

/// Everything that the doctor says of the carrier.
async fn doctor(env: &[(&str, &str)]) -> (String, i32) {
    let data = DataDir::new();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.env_clear().stdin(Stdio::null()).args(["doctor", "--listen", "127.0.0.1:0"]);
    command.env("OFFHOOK_DATA_DIR", &data.0).env("OFFHOOK_ESPEAK", "off").env("ENVIRONMENT", "development");
    let Output { stdout, status, .. } = command.envs(env.iter().copied()).output().await.unwrap();
    let said = String::from_utf8(stdout).unwrap();
    let of_it = said.split("\n").skip_while(|line| !line.contains(" carrier ")).collect::<Vec<_>>().join("\n");
    (of_it, status.code().unwrap())
}

#[tokio::test]
async fn the_doctor_asks_the_carrier_and_looks_where_the_number_leads() {
    let model = model().await;
    let with = |token, number, base| {
        [
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", token),
            ("TWILIO_PHONE_NUMBER", number),
            ("TWILIO_BASE_URL", base),
            ("OFFHOOK_PUBLIC_URL", PUBLIC),
        ]
    };
    let check = async |env: [(&str, &str); 5], code: i32, words: &[&str]| {
        let (said, exit) = doctor(&env).await;
        assert_eq!(exit, code, "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in:\n{said}");
        }
        assert!(!said.contains(TOKEN) && !said.contains(OURS), "{said}");
    };
    let base = model.base_url.as_str();
    check(with(TOKEN, OURS, base), 0, &["ok    carrier", "takes the credentials", "leads to another URL", "fix: "])
        .await;
    let here = twilio(base, Webhooks::under(&PublicUrl::parse(PUBLIC).unwrap(), None), &[TOKEN]);
    register(&here).await;
    check(with(TOKEN, OURS, base), 0, &["leads here"]).await;
    check(with(TOKEN, "+14155550198", base), 1, &["FAIL  carrier", "no number of the account's"]).await;
    check(with("wrong", OURS, base), 1, &["FAIL  carrier", "TWILIO_AUTH_TOKEN", "20003"]).await;
    check(with(TOKEN, OURS, "http://127.0.0.1:9"), 0, &["warn  carrier", "no connection", "firewall"]).await;
    let (said, exit) = doctor(&[]).await;
    assert!(exit == 0 && said.contains("ok    carrier") && said.contains("reach nobody"), "{said}");
}

async fn register(twilio: &control::carrier::Twilio) {
    use control::carrier::TelephonyProvider as _;
    use control::model::{PhoneNumberId, TenantId};
    twilio.register_number(TenantId::DEFAULT, PhoneNumberId::new(), OURS).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_pointed_here_at_the_start_only_where_that_was_said() {
    let model = model().await;
    let here = twilio(&model.base_url, Webhooks::under(&PublicUrl::parse(PUBLIC).unwrap(), None), &[TOKEN]);
    for (said, pointing) in [("false", Pointing::Elsewhere), ("true", Pointing::Here)] {
        let host = Host::running(&[
            ("ENVIRONMENT", "development"),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
            ("TWILIO_BASE_URL", &model.base_url),
            ("TWILIO_PHONE_NUMBER", OURS),
            ("OFFHOOK_PUBLIC_URL", PUBLIC),
            ("OFFHOOK_REGISTER_NUMBERS", said),
        ])
        .await;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if here.pointing(OURS).await == Ok(Pointing::Here) {
                break;
            }
        }
        assert_eq!(here.pointing(OURS).await, Ok(pointing), "OFFHOOK_REGISTER_NUMBERS={said}");
        drop(host);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_account_a_call_lives_in_the_service_and_is_told_like_any_other() {
    let host = Host::running(&[]).await;
    let client = Client::new(&host);
    let tenant = client.tenant("Acme").await;
    let number = json!({ "did_number": OURS, "provider_type": "mock" });
    client.make(&format!("{tenant}/phone-numbers"), number).await;
    let (path, _) = client.make(&format!("{tenant}/calls"), json!({ "to": "+12025550191" })).await;
    let busy = async {
        loop {
            let call = client.get(&path).await.body;
            if call["state"] == "busy" {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let call = tokio::time::timeout(Duration::from_secs(20), busy).await.expect("it is busy in the end");
    let timeline = call["timeline"].as_array().unwrap();
    let told: Vec<_> = timeline.iter().filter_map(|event| event["data"]["event"].as_str()).collect();
    assert_eq!(told, ["call.initiated", "call.ringing", "call.busy"], "{call:#}");
}
