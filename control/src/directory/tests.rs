//! What the directory promises, with rows made by hand; `control/tests/tenants.rs` has it with a store.

use std::path::Path;

use super::*;
use crate::db::SealedAccount;
use crate::model::{
    AgentKind, AgentRole, Emergency, MenuAction, MenuKey, NewProfile, PhoneNumberRecord, Plan as Bought, Profile,
    ProviderType, Tenant, TenantSettings, Timestamp,
};

const AT: Timestamp = Timestamp(0);
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

async fn directory() -> Directory {
    let voice = Voice::find(None, Path::new("/nonexistent")).await;
    Directory::empty(voice, Plan::demo(agent::Profile::demo(), Some("+12025550123".into())), Some(KEY.parse().unwrap()))
}

fn tenant() -> DirectoryTenant {
    let id = TenantId::new();
    let tenant = Tenant {
        id,
        name: "Acme".into(),
        status: TenantStatus::Active,
        plan: Bought::Starter,
        created_at: AT,
        updated_at: AT,
        version: 1,
    };
    let settings = TenantSettings::default();
    DirectoryTenant { tenant, settings, profiles: Vec::new(), numbers: Vec::new(), accounts: Vec::new() }
}

fn number(of: &DirectoryTenant, n: u64, profile_id: Option<ProfileId>) -> PhoneNumberRecord {
    PhoneNumberRecord {
        id: PhoneNumberId::new(),
        tenant_id: of.tenant.id,
        did_number: did(n),
        provider_type: ProviderType::Generic,
        is_active: true,
        profile_id,
        carrier_account: None,
        created_at: AT,
        updated_at: AT,
        version: 1,
    }
}

fn did(n: u64) -> String {
    format!("+1555{n:07}")
}

fn profile(of: &DirectoryTenant, greeting: &str) -> Profile {
    let content = NewProfile {
        name: "Front desk".into(),
        role: AgentRole::Receptionist,
        system_prompt: "Be kind.".into(),
        is_default: false,
        greeting: Some(greeting.into()),
        language: "de-DE".into(),
        agent_kind: AgentKind::Script,
        agent_settings: serde_json::json!({ "silence_s": 5 }),
        emergency: Emergency { keywords: Vec::new(), contact: Some("+15550000112".into()) },
        transfer_allow: vec!["+15550000001".into()],
        menu: Vec::new(),
        turn_taking: engine::turn::TurnParams { onset_blocks: 7, ..Default::default() },
        consent_text: None,
    };
    let (id, tenant_id) = (ProfileId::new(), of.tenant.id);
    Profile { id, tenant_id, content, created_at: AT, updated_at: AT, version: 1 }
}

#[tokio::test]
async fn a_number_leads_to_its_profile_or_its_tenants_default_or_the_demo() {
    let directory = directory().await;
    let mut acme = tenant();
    acme.profiles = vec![profile(&acme, "Guten Tag."), profile(&acme, "Hallo.")];
    let (own, default) = (acme.profiles[0].id, acme.profiles[1].id);
    acme.numbers = vec![number(&acme, 1, Some(own)), number(&acme, 2, None)];
    directory.0.put(&acme);
    let line = directory.line(&did(1));
    assert_eq!((line.tenant(), line.profile(), line.number), (acme.tenant.id, Some(own), Some(acme.numbers[0].id)));
    assert_eq!((line.plan.turn.onset_blocks, line.plan.agent.silence), (7, Duration::from_secs(5)));
    assert_eq!(directory.line(&did(2)).profile(), None, "without a default it is the demo");
    acme.profiles[1].content.is_default = true;
    acme.profiles[1].version = 2;
    directory.0.put(&acme);
    assert_eq!(directory.line(&did(2)).profile(), Some(default));
    for unknown in [did(3).as_str(), "sip:someone@example.com", "", "+0"] {
        let line = directory.line(unknown);
        assert_eq!((line.tenant(), line.profile(), line.number), (TenantId::DEFAULT, None, None), "{unknown}");
    }
}

#[tokio::test]
async fn only_whom_the_profile_allows_may_be_dialled_and_for_the_demo_the_operators_person() {
    let directory = directory().await;
    let mut acme = tenant();
    acme.profiles = vec![profile(&acme, "Hi.")];
    acme.numbers = vec![number(&acme, 1, Some(acme.profiles[0].id))];
    directory.0.put(&acme);
    let plan = directory.line(&did(1)).plan;
    assert_eq!(plan.person(), Some("+15550000112"));
    assert!(plan.may_dial("+15550000112") && plan.may_dial("+15550000001"));
    assert!(!plan.may_dial("+12025550123") && !plan.may_dial("") && !plan.may_dial("+1555000000"));
    let demo = directory.line(&did(9)).plan;
    assert!(demo.may_dial("+12025550123") && !demo.may_dial("+15550000001"));
}

#[tokio::test]
async fn without_a_voice_the_carrier_says_the_greeting_and_the_menu() {
    let directory = directory().await;
    let mut acme = tenant();
    let mut own = profile(&acme, "Guten\u{7} Tag.");
    let key = |digit, prompt: &str, action| MenuKey { digit, prompt: prompt.into(), action };
    own.content.menu = vec![
        key('1', "Öffnungszeiten: 1.", MenuAction::Say { text: "Immer.".into() }),
        key('0', "", MenuAction::Goodbye),
    ];
    acme.profiles = vec![own];
    acme.numbers = vec![number(&acme, 1, Some(acme.profiles[0].id))];
    let missing: Vec<_> = directory.0.put(&acme).into_iter().map(|text| text.text).collect();
    assert_eq!(missing, ["Guten\u{7} Tag.", "Immer.", "Öffnungszeiten: 1."]);
    let plan = directory.line(&did(1)).plan;
    let preface = Preface { text: "Guten  Tag. Öffnungszeiten: 1.".into(), language: "de-DE".into() };
    assert_eq!((plan.preface.as_ref(), plan.voice()), (Some(&preface), "carrier"));
    assert!(plan.agent.greeting.is_empty());
}

#[tokio::test]
async fn a_number_that_goes_and_comes_back_elsewhere_is_never_between_two_tenants() {
    let directory = directory().await;
    let (mut acme, mut other) = (tenant(), tenant());
    acme.numbers = vec![number(&acme, 1, None), number(&acme, 2, None)];
    directory.0.put(&acme);
    other.numbers = vec![number(&other, 1, None)];
    acme.numbers.remove(0);
    // Their order does not matter: what one gave up late is not taken from the other.
    directory.0.put(&other);
    directory.0.put(&acme);
    assert_eq!(directory.line(&did(1)).tenant(), other.tenant.id);
    directory.0.put_all(&[other.clone()]);
    assert_eq!(directory.line(&did(2)).tenant(), TenantId::DEFAULT, "a tenant that is gone has no numbers");
    other.tenant.status = TenantStatus::Suspended;
    directory.0.put_all(&[acme.clone(), other.clone()]);
    assert!(!directory.line(&did(1)).is_open() && directory.line(&did(2)).is_open());
    acme.numbers[0].is_active = false;
    directory.0.put(&acme);
    assert!(!directory.line(&did(2)).is_open());
}

#[tokio::test]
async fn what_holds_for_calls_that_are_placed_is_as_the_tenant_set_it() {
    let directory = directory().await;
    let mut acme = tenant();
    acme.numbers = vec![number(&acme, 1, None)];
    directory.0.put(&acme);
    let served = directory.line(&did(1)).served;
    assert_eq!((served.dial_prefixes(), served.outbound_stopped(), served.minutes_per_day_max()), (None, false, None));
    acme.settings.dial_prefixes = Some(vec!["+44".parse().unwrap()]);
    (acme.settings.outbound_stopped, acme.settings.minutes_per_day_max) = (true, Some(7));
    directory.0.put(&acme);
    assert_eq!(served.dial_prefixes().as_deref(), Some(&["+44".parse().unwrap()][..]));
    assert_eq!((served.outbound_stopped(), served.minutes_per_day_max()), (true, Some(7)));
    directory.0.put_all(&[]);
    assert!(served.outbound_stopped(), "a tenant that is gone calls nobody");
}

fn account(of: &DirectoryTenant, sid: &str, token: &str) -> SealedAccount {
    let (tenant, id) = (of.tenant.id, crate::model::ProviderConfigId::new());
    let owner = crate::secrets::Owner { tenant, record: id };
    let sealed = KEY.parse::<Keys>().unwrap().seal(owner, &[token.into()]).unwrap();
    let config = crate::model::ProviderConfig {
        id,
        tenant_id: tenant,
        provider_type: ProviderType::Twilio,
        name: "Own".into(),
        account_id: sid.into(),
        auth_tokens: 1,
        key_id: sealed.key_id.clone(),
        outbound_number: Some(did(1)),
        max_concurrent_calls: Some(3),
        created_at: AT,
        updated_at: AT,
        version: 1,
    };
    SealedAccount { config, sealed }
}

fn tokens(account: &Account) -> Vec<&str> {
    account.tokens.iter().map(secrecy::ExposeSecret::expose_secret).collect()
}

#[tokio::test]
async fn an_account_leads_to_its_tenant_and_its_own_tokens() {
    let directory = directory().await;
    let (mut acme, mut other) = (tenant(), tenant());
    acme.accounts = vec![account(&acme, "AC1", "acme's")];
    other.accounts = vec![account(&other, "AC2", "other's")];
    directory.0.put_all(&[acme.clone(), other.clone()]);
    let first = directory.account("AC1").unwrap();
    assert_eq!((first.tenant, tokens(&first), first.max_concurrent_calls), (acme.tenant.id, vec!["acme's"], Some(3)));
    assert_eq!(directory.account_of(other.tenant.id, ProviderType::Twilio).unwrap().account_id, "AC2");
    assert!(directory.account_of(other.tenant.id, ProviderType::Mock).is_none() && directory.account("AC3").is_none());
    directory.0.put(&acme);
    assert!(Arc::ptr_eq(&first, &directory.account("AC1").unwrap()), "what did not change is not opened again");
    let mut rotated = account(&acme, "AC1", "newer");
    rotated.config.version = 2;
    acme.accounts = vec![rotated];
    directory.0.put(&acme);
    assert_eq!(tokens(&directory.account("AC1").unwrap()), ["newer"]);
    acme.accounts.clear();
    directory.0.put(&acme);
    assert!(directory.account("AC1").is_none());
    directory.0.put_all(&[acme]);
    assert!(directory.account("AC2").is_none(), "it goes with its tenant");
}

#[tokio::test]
async fn an_account_that_does_not_open_is_there_with_nothing_that_signs_for_it() {
    let directory = directory().await;
    let mut acme = tenant();
    let mut copied = account(&acme, "AC1", "another's");
    copied.config.id = crate::model::ProviderConfigId::new();
    acme.accounts = vec![copied];
    directory.0.put(&acme);
    assert!(directory.account("AC1").unwrap().tokens.is_empty());
}

#[tokio::test]
async fn an_account_that_changes_hands_is_never_taken_from_the_new_one() {
    let directory = directory().await;
    let (mut acme, mut other) = (tenant(), tenant());
    acme.accounts = vec![account(&acme, "AC1", "acme's")];
    directory.0.put(&acme);
    other.accounts = vec![account(&other, "AC1", "other's")];
    acme.accounts.clear();
    directory.0.put(&other);
    directory.0.put(&acme);
    assert_eq!(tokens(&directory.account("AC1").unwrap()), ["other's"]);
}

#[tokio::test]
async fn calls_stay_counted_when_their_tenants_part_is_replaced() {
    let directory = directory().await;
    let mut acme = tenant();
    acme.settings.concurrent_calls_max = Some(1);
    acme.numbers = vec![number(&acme, 1, None)];
    directory.0.put(&acme);
    let place = directory.line(&did(1)).served.place(Duration::ZERO).unwrap();
    acme.tenant.version = 2;
    directory.0.put(&acme);
    assert_eq!(directory.line(&did(1)).served.place(Duration::ZERO).unwrap_err(), Busy::AtOnce);
    drop(place);
    assert!(directory.line(&did(1)).served.place(Duration::ZERO).is_ok());
}

/// The figures at 100,000 numbers: `cargo nextest run --release -p offhook figures --run-ignored only --no-capture`.
#[tokio::test]
#[ignore = "measures; docs/performance.md has the figures"]
async fn figures_at_a_hundred_thousand_numbers() {
    let directory = directory().await;
    let mut tenants: Vec<DirectoryTenant> = (0..10_000).map(|_| tenant()).collect();
    for (at, tenant) in tenants.iter_mut().enumerate() {
        let own = profile(tenant, "Hello.");
        let numbers = (0..10).map(|n| number(tenant, (at * 10 + n) as u64, Some(own.id)));
        tenant.numbers = numbers.collect();
        tenant.profiles = vec![own];
    }
    let clock = crate::clock::Clock::machine();
    let before = resident_kb();
    let began = clock.now();
    directory.0.put_all(&tenants);
    println!("everything: {:?}, {} KB", clock.now() - began, resident_kb().saturating_sub(before));
    let mut one = tenants[5_000].clone();
    for (what, change) in [("a profile", true), ("a number", false)] {
        let began = clock.now();
        for round in 0..100 {
            if change {
                one.profiles[0].version = round + 2;
            } else {
                one.numbers[0].is_active = round % 2 == 0;
            }
            directory.0.put(&one);
        }
        println!("a change of {what}: {:?}", (clock.now() - began) / 100);
    }
    let numbers: Vec<String> = (0..100_000).map(|n| did(n * 7_919 % 100_000)).collect();
    let began = clock.now();
    let found = numbers.iter().filter(|number| directory.line(number).number.is_some()).count();
    println!("a look-up: {:?}", (clock.now() - began) / 100_000);
    assert_eq!(found, 100_000);
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}
