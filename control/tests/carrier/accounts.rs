//! A tenant with an account of its own: its calls go over it, its webhooks are signed by it, and by nobody else.

use loadtest::rest::account::AccountPlan;
use serde_json::{Value, json};

use crate::model::{ACCOUNT, Model, OURS, PERSON, Setup, TOKEN};
use crate::support::api::Client;
use crate::support::{Host, PUBLIC, call_with, form_request, sid, sign};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OPERATOR: &str = "AC00000000000000000000000000000099";
const OPERATORS_TOKEN: &str = "the operator's";
const NEWER: &str = "AC00000000000000000000000000000077";
const NEWERS_TOKEN: &str = "the-token-of-a-newer-account";
/// Of a tenant without an account of its own.
const OTHERS: &str = "+14155550177";

struct Rig {
    host: Host,
    model: Model,
    tenant: String,
    /// The one without an account of its own.
    other: String,
}

impl Rig {
    async fn start() -> Self {
        let newer = AccountPlan { sid: NEWER.into(), auth_token: NEWERS_TOKEN.into(), ..AccountPlan::default() };
        let model = Model::start(Setup { others: vec![newer], ..Setup::default() }).await;
        let base = model.base_url.clone();
        let admin = "an admin key of sixteen";
        let env = [
            ("TWILIO_ACCOUNT_SID", OPERATOR),
            ("TWILIO_AUTH_TOKEN", OPERATORS_TOKEN),
            ("TWILIO_BASE_URL", base.as_str()),
            ("OFFHOOK_PUBLIC_URL", PUBLIC),
            ("OFFHOOK_SECRETS_KEY", KEY),
            ("OFFHOOK_ADMIN_KEY", admin),
        ];
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.replace(' ', "-"))).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let host = Host::running(&env).await;
        let client = Client::new(&host).with("an-admin-key-of-sixteen");
        let tenant = client.tenant("Acme").await;
        let account = json!({
            "provider_type": "twilio", "name": "Acme's", "account_id": ACCOUNT, "auth_tokens": [TOKEN],
            "outbound_number": OURS, "max_concurrent_calls": 1,
        });
        client.make(&format!("{tenant}/provider-configs"), account).await;
        let number = json!({ "did_number": OURS, "provider_type": "twilio" });
        client.make(&format!("{tenant}/phone-numbers"), number).await;
        let other = client.tenant("Other").await;
        client
            .make(&format!("{other}/phone-numbers"), json!({ "did_number": OTHERS, "provider_type": "twilio" }))
            .await;
        Self { host, model, tenant, other }
    }

    /// What becomes of the `n`th call, by a webhook that names `account` and is signed with `token`.
    async fn status(&self, n: u32, account: &str, token: &str) -> u16 {
        let sid = sid(n);
        let form = [
            ("CallSid", sid.as_str()),
            ("AccountSid", account),
            ("From", "+15551234567"),
            ("To", OTHERS),
            ("Direction", "inbound"),
            ("CallStatus", "completed"),
            ("CallDuration", "3"),
        ];
        let signature = sign(token, &format!("{PUBLIC}/twilio/status"), &form);
        let headers = format!("X-Twilio-Signature: {signature}\r\n");
        self.host.send(&form_request("/twilio/status", &form, &headers)).await.status
    }

    /// A call to `to` whose webhook names `account` and is signed with `token`.
    async fn voice(&self, n: u32, account: &str, to: &str, token: &str) -> u16 {
        let sid = sid(n);
        let form: Vec<_> =
            call_with(&sid, &[]).into_iter().filter(|(name, _)| !["AccountSid", "To"].contains(name)).collect();
        let form = [form, vec![("AccountSid", account), ("To", to)]].concat();
        let signature = sign(token, &format!("{PUBLIC}/twilio/voice"), &form);
        let headers = format!("X-Twilio-Signature: {signature}\r\n");
        self.host.send(&form_request("/twilio/voice", &form, &headers)).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_token_never_signs_for_anothers_number() {
    let rig = Rig::start().await;
    let operators = OPERATORS_TOKEN.replace(' ', "-");
    assert_eq!(rig.voice(1, ACCOUNT, OURS, TOKEN).await, 200, "its own");
    assert_eq!(rig.voice(2, OPERATOR, OTHERS, &operators).await, 200, "the operator's, for whoever has no own");
    assert_eq!(rig.voice(3, ACCOUNT, OURS, &operators).await, 403, "the operator's token on the tenant's account");
    assert_eq!(rig.voice(4, OPERATOR, OURS, &operators).await, 403, "the operator's account for the tenant's number");
    assert_eq!(rig.voice(5, ACCOUNT, OTHERS, TOKEN).await, 403, "the tenant's account for another's number");
    assert_eq!(rig.voice(6, OPERATOR, OTHERS, TOKEN).await, 403, "the tenant's token on the operator's account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_its_accounts_even_when_its_tenant_has_another_by_now() {
    let rig = Rig::start().await;
    let operators = OPERATORS_TOKEN.replace(' ', "-");
    assert_eq!(rig.voice(1, OPERATOR, OTHERS, &operators).await, 200);
    let client = Client::new(&rig.host).with("an-admin-key-of-sixteen");
    let (own, token) = (NEWER, NEWERS_TOKEN);
    let account = json!({ "provider_type": "twilio", "name": "Other's", "account_id": own, "auth_tokens": [token] });
    client.make(&format!("{}/provider-configs", rig.other), account).await;
    assert_eq!(rig.voice(2, OPERATOR, OTHERS, &operators).await, 403, "new calls are the new account's");
    assert_eq!(rig.voice(3, own, OTHERS, token).await, 200);
    assert_eq!(rig.status(1, own, token).await, 403, "it knows nothing of the old call");
    assert_eq!(rig.status(3, OPERATOR, &operators).await, 403);
    assert_eq!((rig.status(1, OPERATOR, &operators).await, rig.status(3, own, token).await), (204, 204));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_calls_go_over_its_own_account_as_many_as_it_lets() {
    let rig = Rig::start().await;
    let client = Client::new(&rig.host).with("an-admin-key-of-sixteen");
    let (_, call) = client.make(&format!("{}/calls", rig.tenant), json!({ "to": PERSON })).await;
    // The operator's account does not exist there: this was placed with the tenant's.
    assert!(call["carrier_call_id"].is_string() && call["error"].is_null(), "{call:#}");
    assert_eq!(call["from"], OURS);
    let full = client.post(&format!("{}/calls", rig.tenant), json!({ "to": PERSON })).await;
    assert_eq!((full.status, full.code()), (429, "full"));
    assert!(!rig.model.base_url.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_whose_tokens_open_it_where_the_carrier_can_be_asked() {
    let rig = Rig::start().await;
    let client = Client::new(&rig.host).with("an-admin-key-of-sixteen");
    let configs = format!("{}/provider-configs", rig.other);
    let account = |account: &str, tokens: &[&str]| -> Value {
        json!({ "provider_type": "twilio", "name": "Other's", "account_id": account, "auth_tokens": tokens })
    };
    let wrong = "0123456789abcdef0123456789abcdef";
    for (sid, token) in [(NEWER, wrong), ("AC00000000000000000000000000000066", NEWERS_TOKEN)] {
        let refused = client.post(&configs, account(sid, &[token])).await;
        assert_eq!((refused.status, refused.code()), (409, "credentials_refused"), "{sid}");
        assert!(!refused.reply.body.contains(token));
    }
    assert_eq!(client.get(&configs).await.body["items"], json!([]));
    // While one is replaced, another may not be the account's yet.
    let (path, made) = client.make(&configs, account(NEWER, &[wrong, NEWERS_TOKEN])).await;
    assert_eq!(made["carrier"]["state"], "verified");
    let refused = client.patch(&path, json!({ "auth_tokens": [wrong] })).await;
    assert_eq!((refused.status, refused.code()), (409, "credentials_refused"));
    assert_eq!(client.patch(&path, json!({ "name": "New" })).await.body["carrier"]["state"], "left_alone");
    assert_eq!(
        client.patch(&path, json!({ "auth_tokens": [NEWERS_TOKEN] })).await.body["carrier"]["state"],
        "verified"
    );
}
