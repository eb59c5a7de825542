//! Numbers at the model of Twilio: pointed here, and put back.

use control::carrier::{Pointing, Registration, TelephonyProvider, Twilio};
use control::model::{PhoneNumberId, TenantId};
use loadtest::rest::number::NumberPlan;

use crate::model::{ACCOUNT, Model, OURS, Setup, TOKEN, webhooks};

const TRUNK: &str = "TK0123456789abcdef0123456789abcdef";
const APPLICATION: &str = "AP0123456789abcdef0123456789abcdef";

fn number() -> NumberPlan {
    NumberPlan {
        phone_number: OURS.into(),
        voice_url: "https://before.example/voice".into(),
        voice_get: true,
        voice_fallback_url: "https://before.example/fallback".into(),
        status_callback: "https://before.example/status".into(),
        ..NumberPlan::default()
    }
}

async fn with(number: NumberPlan) -> (Model, Twilio) {
    let model = Model::start(Setup { number, ..Setup::default() }).await;
    let twilio = model.twilio(&[TOKEN]);
    (model, twilio)
}

async fn register(twilio: &Twilio) -> Registration {
    twilio.register_number(TenantId::DEFAULT, PhoneNumberId::new(), OURS).await.unwrap().expect("the number is there")
}

async fn unregister(twilio: &Twilio, before: Option<&Registration>) {
    twilio.unregister_number(TenantId::DEFAULT, PhoneNumberId::new(), OURS, before).await.unwrap();
}

#[tokio::test]
async fn a_number_is_pointed_here_and_put_back_to_exactly_what_it_was() {
    for plan in [
        number(),
        NumberPlan { voice_application_sid: APPLICATION.into(), ..number() },
        NumberPlan { trunk_sid: TRUNK.into(), ..number() },
        NumberPlan { phone_number: OURS.into(), trunk_sid: TRUNK.into(), ..NumberPlan::default() },
        NumberPlan { phone_number: OURS.into(), ..NumberPlan::default() },
    ] {
        let (model, twilio) = with(plan.clone()).await;
        assert_ne!(twilio.pointing(OURS).await, Ok(Pointing::Here));
        let before = register(&twilio).await;
        assert_eq!(before.0["voice_url"], plan.voice_url);
        assert_eq!(twilio.pointing(OURS).await, Ok(Pointing::Here));
        // What is written into a memory and read again is the same.
        let kept: Registration = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
        unregister(&twilio, Some(&kept)).await;
        assert_eq!(register(&model.twilio(&[TOKEN])).await, before, "{plan:?}");
    }
}

#[tokio::test]
async fn registering_twice_remembers_nothing_the_second_time() {
    let (_model, twilio) = with(number()).await;
    assert!(!register(&twilio).await.0.is_empty());
    assert_eq!(register(&twilio).await, Registration::default());
    unregister(&twilio, None).await;
    assert_eq!(twilio.pointing(OURS).await, Ok(Pointing::Nowhere));
}

#[tokio::test]
async fn a_number_that_leads_here_already_keeps_what_its_owner_has_set() {
    let ours = webhooks("https://v.example");
    let plan = NumberPlan { voice_url: ours.voice.clone(), status_callback: String::new(), ..number() };
    let (model, _) = with(plan).await;
    let twilio = crate::model::twilio(&model.base_url, ours.clone(), &[TOKEN]);
    assert_eq!(register(&twilio).await, Registration::default());
    let shown = &model.shows(ACCOUNT, TOKEN, "IncomingPhoneNumbers.json").await["incoming_phone_numbers"][0];
    assert_eq!(shown["voice_fallback_url"], "https://before.example/fallback", "nobody would remember it");
    assert_eq!(shown["status_callback"], ours.status, "nobody had one");
}

#[tokio::test]
async fn a_number_that_somebody_else_has_pointed_elsewhere_is_left_alone() {
    let (model, twilio) = with(number()).await;
    let before = register(&twilio).await;
    let other = crate::model::twilio(&model.base_url, webhooks("https://other.example"), &[TOKEN]);
    register(&other).await;
    unregister(&twilio, Some(&before)).await;
    assert_eq!(other.pointing(OURS).await, Ok(Pointing::Here));
    assert_eq!(twilio.pointing(OURS).await, Ok(Pointing::Elsewhere));
}

#[tokio::test]
async fn a_trunk_takes_a_number_away_whatever_its_url_says() {
    let (model, twilio) = with(NumberPlan { trunk_sid: TRUNK.into(), ..number() }).await;
    assert_eq!(twilio.pointing(OURS).await, Ok(Pointing::Captured));
    let _ = model;
}

#[tokio::test]
async fn a_number_is_the_accounts_or_cannot_be_registered() {
    let (_model, twilio) = with(number()).await;
    for other in ["+14155550198", "+1415555019", "*", ""] {
        assert_eq!(twilio.pointing(other).await, Ok(Pointing::NotOurs), "{other}");
        assert_eq!(twilio.register_number(TenantId::DEFAULT, PhoneNumberId::new(), other).await, Ok(None));
    }
    let gone = twilio.unregister_number(TenantId::DEFAULT, PhoneNumberId::new(), "+14155550198", None).await;
    assert_eq!(gone, Ok(()), "what is not there points nowhere");
}
