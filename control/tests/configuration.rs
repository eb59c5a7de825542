//! The configuration: who wins, what is refused, and that the documentation says so.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use control::config::{Config, Fault, Sources, Threads, markdown};
use control::model::ProviderType;

const SID: &str = "AC0123456789abcdef0123456789abcdef";

fn sources(flags: &[(&str, &str)], env: &[(&str, &str)], file: &str) -> Sources {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let file = (!file.is_empty()).then(|| ("offhook.toml".to_owned(), file.to_owned()));
    Sources { flags: owned(flags), env: owned(env), file, ..Sources::default() }
}

fn load(env: &[(&str, &str)]) -> Config {
    Config::load(&sources(&[], env, "")).unwrap()
}

fn faults(env: &[(&str, &str)], file: &str) -> Vec<String> {
    Config::load(&sources(&[], env, file)).unwrap_err().iter().map(Fault::to_string).collect()
}

/// There is one fault, and its line holds all of this.
fn refused(env: &[(&str, &str)], file: &str, words: &[&str]) {
    let faults = faults(env, file);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for word in words {
        assert!(faults[0].contains(word), "{word:?} is not in: {}", faults[0]);
    }
    assert!(!faults[0].contains('\n'), "one line: {}", faults[0]);
}

#[test]
fn nothing_said_is_development_on_this_machine() {
    let config = load(&[]);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(!config.mode.is_production());
    assert!(config.warnings.is_empty());
    assert_eq!(config.limits.body_max_bytes, 65_536);
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let load = |flags: &[_], env: &[_], file| Config::load(&sources(flags, env, file)).unwrap().limits.calls_max;
    let (flag, env, file) = (("calls-max", "4"), ("OFFHOOK_CALLS_MAX", "3"), "calls_max = 2");
    assert_eq!(load(&[], &[], ""), 2_000);
    assert_eq!(load(&[], &[], file), 2);
    assert_eq!(load(&[], &[env], file), 3);
    assert_eq!(load(&[flag], &[env], file), 4);
}

#[test]
fn other_names_mean_the_same() {
    let production = [
        ("TWILIO_AUTH_TOKEN", "a, b,"),
        ("TWILIO_WEBHOOK_URL", "https://a.example/twilio/voice"),
        ("APP_ENV", "staging"),
    ];
    let config = load(&production);
    assert_eq!(config.public.unwrap().as_str(), "https://a.example");
    assert_eq!((config.mode.name, config.mode.is_production()), ("staging", true));
    assert_eq!(config.tokens.len(), 2);
    let file = "twilio_webhook_url = \"https://a.example\"\ntrusted_proxies = [\"10.0.0.0/8\", \"127.0.0.1\"]\nenvironment = \"dev\"";
    assert_eq!(Config::load(&sources(&[], &[], file)).unwrap().trusted_proxies.len(), 2);
}

#[test]
fn names_that_disagree_are_refused() {
    refused(&[("ENVIRONMENT", "development"), ("APP_ENV", "production")], "", &["ENVIRONMENT", "APP_ENV", "keep one"]);
    load(&[("ENVIRONMENT", "development"), ("APP_ENV", "development")]);
}

#[test]
fn a_platforms_port_listens_everywhere_and_is_production() {
    let all = faults(&[("PORT", "9000")], "");
    assert!(
        all.iter().any(|line| line.contains("TWILIO_AUTH_TOKEN") && line.contains("beyond this machine")),
        "{all:#?}"
    );
    let config = load(&[("PORT", "9000"), ("ENVIRONMENT", "development")]);
    assert_eq!(config.listen.to_string(), "0.0.0.0:9000");
    assert!(config.warnings[0].contains("DEVELOPMENT MODE ON 0.0.0.0:9000"), "{:?}", config.warnings);
    let both = [("PORT", "9000"), ("OFFHOOK_LISTEN", "127.0.0.1:1")];
    assert_eq!(load(&both).listen.to_string(), "127.0.0.1:1");
    let stronger = sources(&[("port", "9000")], &[("OFFHOOK_LISTEN", "127.0.0.1:1"), ("ENVIRONMENT", "dev")], "");
    assert_eq!(Config::load(&stronger).unwrap().listen.port(), 9000);
}

#[test]
fn production_without_what_it_needs_does_not_start() {
    let all = faults(&[("TWILIO_ACCOUNT_SID", SID)], "");
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(all[0].contains("TWILIO_AUTH_TOKEN") && all[0].contains("a carrier credential is set"), "{}", all[0]);
    assert!(all[1].contains("OFFHOOK_PUBLIC_URL") && all[1].contains("https://voice.example.com"), "{}", all[1]);
    refused(&[("TWILIO_AUTH_TOKEN", "t")], "", &["OFFHOOK_PUBLIC_URL"]);
    refused(&[("TWILIO_AUTH_TOKEN", "t"), ("OFFHOOK_PUBLIC_URL", "http://a.example")], "", &["https"]);
    load(&[("TWILIO_AUTH_TOKEN", "t"), ("OFFHOOK_PUBLIC_URL", "http://127.0.0.1:8080")]);
}

#[test]
fn a_public_deployment_whose_credentials_did_not_arrive_does_not_start() {
    let misspelt =
        [("TWILIO_AUTH_TOKENS", "t"), ("TWILIO_ACOUNT_SID", SID), ("OFFHOOK_PUBLIC_URL", "https://a.example")];
    refused(
        &misspelt,
        "",
        &["TWILIO_AUTH_TOKEN", "but TWILIO_AUTH_TOKENS is", "another host", "ENVIRONMENT=development"],
    );
    let all = faults(&[("OFFHOOK_TRUSTED_PROXIES", "10.0.0.0/8")], "");
    assert!(all[0].contains("TWILIO_AUTH_TOKEN") && all[0].contains("OFFHOOK_TRUSTED_PROXIES is set"), "{all:#?}");
    let said = load(&[("ENVIRONMENT", "development"), ("OFFHOOK_PUBLIC_URL", "https://a.example")]);
    assert!(!said.mode.is_production());
    assert!(!load(&[("OFFHOOK_PUBLIC_URL", "http://localhost:8080")]).mode.is_production());
}

#[test]
fn a_value_that_is_no_text_is_not_one_that_is_not_set() {
    let env_unreadable = vec!["TWILIO_AUTH_TOKEN".to_owned(), "LS_COLORS".to_owned()];
    let faults = Config::load(&Sources { env_unreadable, ..Sources::default() }).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].to_string().contains("TWILIO_AUTH_TOKEN") && faults[0].wrong.contains("UTF-8"), "{faults:#?}");
}

#[test]
fn an_auth_token_of_another_form_is_a_warning_that_does_not_show_it() {
    let warned = |token: &str| {
        let config = load(&[
            ("TWILIO_AUTH_TOKEN", token),
            ("OFFHOOK_PUBLIC_URL", "https://a.example"),
            ("TWILIO_ACCOUNT_SID", SID),
        ]);
        assert!(!config.warnings.iter().any(|line| line.contains("wr0ng")), "{:?}", config.warnings);
        config.warnings.iter().any(|line| line.contains("32 hex digits"))
    };
    assert!(warned("wr0ng"));
    assert!(warned("0123456789abcdef0123456789abcdef,wr0ng"));
    assert!(!warned("0123456789abcdef0123456789abcdef"));
}

#[test]
fn every_bad_value_is_refused_with_its_fix() {
    refused(&[("OFFHOOK_LISTEN", "here")], "", &["OFFHOOK_LISTEN", "environment variable", "127.0.0.1:8080"]);
    refused(&[("PORT", "70000")], "", &["PORT", "65535"]);
    refused(&[("PORT", "0")], "", &["PORT", "is 0", "127.0.0.1:0"]);
    refused(&[("OFFHOOK_LISTEN", "mylocalhost:8080")], "", &["mylocalhost:8080"]);
    refused(&[("OFFHOOK_PUBLIC_URL", "https://a.example:70000")], "", &["65535"]);
    refused(&[("OFFHOOK_PUBLIC_URL", "https://a.example/twilio/status")], "", &["/twilio/", "the base only"]);
    refused(&[("ENVIRONMENT", "prodution")], "", &["ENVIRONMENT", "development, staging or production"]);
    refused(&[("OFFHOOK_CALLS_MAX", "many")], "", &["OFFHOOK_CALLS_MAX", "from 1 to"]);
    refused(&[("OFFHOOK_CALLS_MAX", "0")], "", &["from 1 to"]);
    refused(&[("OFFHOOK_TRANSFER_TO", "911")], "", &["+15551234567"]);
    refused(&[("OFFHOOK_TRUSTED_PROXIES", "10.0.0.0/40"), ("ENVIRONMENT", "dev")], "", &["10.0.0.0/40"]);
    refused(&[("LOG_LEVEL", "loud")], "", &["LOG_LEVEL", "info"]);
    refused(&[("DEBUG", "perhaps")], "", &["DEBUG", "true or false"]);
    refused(&[("APP_NAME", "a\u{7}b")], "", &["APP_NAME"]);
    refused(&[("OFFHOOK_ADMIN_KEY", "short")], "", &["OFFHOOK_ADMIN_KEY", "16"]);
    refused(&[("OFFHOOK_PUBLIC_URL", "voice.example.com")], "", &["https://"]);
    refused(&[("OFFHOOK_WORKERS", "0")], "", &["OFFHOOK_WORKERS", "auto, or a number from 1 to"]);
    refused(&[("OFFHOOK_IO_THREADS", "many")], "", &["OFFHOOK_IO_THREADS", "auto"]);
    refused(&[("OFFHOOK_PIN_WORKERS", "2")], "", &["OFFHOOK_PIN_WORKERS", "auto, true or false"]);
    refused(&[("OFFHOOK_TICK_MS", "11")], "", &["OFFHOOK_TICK_MS", "from 1 to 10"]);
}

#[test]
fn the_engines_threads_are_its_own_choice_until_somebody_says_otherwise() {
    let tick = engine::EngineConfig::default().tick;
    assert_eq!(load(&[]).threads, Threads { workers: None, io_threads: None, pin: None, tick });
    let said = [("OFFHOOK_WORKERS", "2"), ("OFFHOOK_IO_THREADS", "auto"), ("OFFHOOK_PIN_WORKERS", "no")];
    assert_eq!(load(&said).threads, Threads { workers: Some(2), io_threads: None, pin: Some(false), tick });
}

#[test]
fn prompts_of_ones_own_are_read_before_a_port_opens() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/prompts");
    assert!(load(&[("OFFHOOK_PROMPTS", shipped)]).prompts.is_some());
    assert!(load(&[]).prompts.is_none());
    refused(&[("OFFHOOK_PROMPTS", "/nowhere")], "", &["OFFHOOK_PROMPTS", "/nowhere/welcome.ulaw", "make.sh"]);
}

#[test]
fn only_a_playground_has_a_person_who_does_not_exist() {
    let person = |env: &[_]| load(env).transfer_to.map(|number| number.as_str().to_owned());
    assert_eq!(person(&[]).as_deref(), Some("+12025550123"));
    assert_eq!(person(&[("OFFHOOK_TRANSFER_TO", "+15551234567")]).as_deref(), Some("+15551234567"));
    assert_eq!(person(&[("ENVIRONMENT", "development"), ("TWILIO_AUTH_TOKEN", "t")]), None);
    assert_eq!(person(&[("TWILIO_AUTH_TOKEN", "t"), ("OFFHOOK_PUBLIC_URL", "https://a.example")]), None);
}

#[test]
fn all_faults_are_told_at_once() {
    let all = faults(&[("OFFHOOK_CALLS_MAX", "x"), ("LOG_LEVEL", "loud"), ("PORT", "y")], "lisen = \"a\"");
    assert_eq!(all.len(), 4, "{all:#?}");
}

#[test]
fn a_file_is_refused_for_what_it_says() {
    refused(&[], "lisen = \"127.0.0.1:1\"", &["lisen", "offhook.toml", "did you mean listen?"]);
    refused(&[], "zzz = 1", &["zzz", "no such setting"]);
    refused(&[], "listen = { a = 1 }", &["offhook.toml: listen", "not a plain value"]);
    refused(&[], "listen = \n", &["offhook.toml", "line 1"]);
    refused(&[], "calls_max = 0", &["offhook.toml: calls_max"]);
}

#[test]
fn an_unknown_variable_is_a_warning_with_a_hint() {
    let config = load(&[("OFFHOOK_LISTN", "x"), ("OFFHOOK_SERVICE_HOST", "10.0.0.1"), ("OTHER", "1")]);
    assert_eq!(config.warnings.len(), 2);
    assert!(config.warnings[0].contains("did you mean OFFHOOK_LISTEN?"), "{:?}", config.warnings);
    let config = load(&[("TWILIO_ACOUNT_SID", SID)]);
    assert!(config.warnings[0].contains("did you mean TWILIO_ACCOUNT_SID?"), "{:?}", config.warnings);
}

#[test]
fn an_empty_variable_is_not_set() {
    assert!(!load(&[("TWILIO_AUTH_TOKEN", ""), ("ENVIRONMENT", " "), ("PORT", "")]).mode.is_production());
}

#[test]
fn secrets_show_in_no_fault_and_no_debug() {
    let env = [
        ("TWILIO_AUTH_TOKEN", "s3cr3t"),
        ("TWILIO_SHARED_KEYS", "id=s3cr3t"),
        ("OFFHOOK_ADMIN_KEY", "s3cr3t-s3cr3t-s3cr3t"),
        ("OFFHOOK_PUBLIC_URL", "https://a.example"),
    ];
    let given = sources(&[], &env, "");
    assert!(!format!("{given:?}").contains("s3cr3t"));
    assert!(!format!("{:?}", Config::load(&given).unwrap()).contains("s3cr3t"));
    let all = faults(
        &[("TWILIO_SHARED_KEYS", "s3cr3t"), ("OFFHOOK_ADMIN_KEY", "s3cr3t"), ("TWILIO_ACCOUNT_SID", "s3cr3t")],
        "twilio_auth_token = s3cr3t",
    );
    assert!(!all.iter().any(|line| line.contains("s3cr3t")), "{all:#?}");
}

#[test]
fn the_documentation_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == markdown(),
        "docs/configuration.md is out of date: UPDATE=1 cargo test -p offhook --test configuration"
    );
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn with_account(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let account =
        [("TWILIO_ACCOUNT_SID", SID), ("TWILIO_AUTH_TOKEN", TOKEN), ("OFFHOOK_PUBLIC_URL", "https://v.example")];
    account.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load_with_account(more: &[(&str, &str)]) -> Config {
    Config::load(&Sources { env: with_account(more), ..Sources::default() }).unwrap()
}

#[test]
fn the_carrier_is_twilio_where_there_is_an_account_and_nobody_elsewhere() {
    assert_eq!(load(&[]).carrier.provider, ProviderType::Mock);
    assert_eq!(load_with_account(&[]).carrier.provider, ProviderType::Twilio);
    let mock = load_with_account(&[("TELEPHONY_PROVIDER_TYPE", "Mock")]);
    assert_eq!(mock.carrier.provider, ProviderType::Mock);
    assert!(mock.warnings.iter().any(|line| line.contains("reach nobody")), "{:?}", mock.warnings);
    refused(&[("TELEPHONY_PROVIDER_TYPE", "carrier-pigeon")], "", &["TELEPHONY_PROVIDER_TYPE", "twilio or mock"]);
    let missing = faults(&[("TELEPHONY_PROVIDER_TYPE", "twilio"), ("ENVIRONMENT", "development")], "");
    assert_eq!(missing.len(), 2, "{missing:#?}");
    assert!(missing[0].contains("TWILIO_ACCOUNT_SID") && missing[1].contains("TWILIO_AUTH_TOKEN"), "{missing:#?}");
}

#[test]
fn the_carriers_other_names_mean_the_same() {
    let env = [
        ("TELEPHONY_TWILIO_ACCOUNT_SID", SID),
        ("TELEPHONY_TWILIO_AUTH_TOKEN", TOKEN),
        ("TELEPHONY_TWILIO_FROM_NUMBER", "+14155550199"),
        ("TELEPHONY_WEBHOOK_BASE_URL", "https://v.example"),
    ];
    let config = load(&env);
    assert_eq!((config.account_sid.as_deref(), config.tokens.len()), (Some(SID), 1));
    assert_eq!(config.public.unwrap().as_str(), "https://v.example");
    assert_eq!(config.carrier.number.unwrap().as_str(), "+14155550199");
    let both = [&env[..], &[("TWILIO_PHONE_NUMBER", "+14155550198")]].concat();
    refused(&both, "", &["TWILIO_PHONE_NUMBER", "TELEPHONY_TWILIO_FROM_NUMBER", "keep one"]);
    let unknown = load(&[("TELEPHONY_TWILIO_TOKEN", "x")]).warnings;
    assert!(unknown.iter().any(|line| line.contains("TELEPHONY_TWILIO_TOKEN")), "{unknown:?}");
}

#[test]
fn the_carrier_is_spoken_to_as_its_settings_say() {
    let twilio = load(&[]).twilio;
    assert_eq!((twilio.base_url.as_str(), twilio.api_version.as_str()), ("https://api.twilio.com", "2010-04-01"));
    assert_eq!((twilio.retries_max, twilio.retry_delay, twilio.calls_per_second), (3, Duration::from_secs(1), 1));
    let config = load(&[
        ("TWILIO_BASE_URL", "http://127.0.0.1:9080/"),
        ("TWILIO_MAX_RETRIES", "0"),
        ("TWILIO_RETRY_DELAY", "250ms"),
        ("TWILIO_CALLS_PER_SECOND", "30"),
        ("TWILIO_STREAM_TIMEOUT", "45"),
        ("TWILIO_STREAM_BUFFER_SIZE", "8192"),
    ]);
    let (twilio, carrier) = (config.twilio, config.carrier);
    assert_eq!((twilio.base_url.as_str(), twilio.retries_max), ("http://127.0.0.1:9080", 0));
    assert_eq!((twilio.retry_delay, twilio.calls_per_second), (Duration::from_millis(250), 30));
    assert_eq!((carrier.stream_timeout, carrier.stream_buffer_bytes), (Duration::from_secs(45), 8_192));
    refused(&[("TWILIO_RETRY_DELAY", "soon")], "", &["TWILIO_RETRY_DELAY", "soon", "500ms"]);
    refused(&[("TWILIO_STREAM_TIMEOUT", "2h")], "", &["TWILIO_STREAM_TIMEOUT", "600 s"]);
    refused(&[("TWILIO_STREAM_TIMEOUT", "0")], "", &["TWILIO_STREAM_TIMEOUT", "30s"]);
    refused(&[("TWILIO_STREAM_BUFFER_SIZE", "1")], "", &["TWILIO_STREAM_BUFFER_SIZE", "from 512"]);
    refused(&[("TWILIO_CALLS_PER_SECOND", "0")], "", &["TWILIO_CALLS_PER_SECOND", "from 1"]);
    refused(&[("TWILIO_API_VERSION", "../x")], "", &["TWILIO_API_VERSION", "2010-04-01"]);
}

#[test]
fn credentials_leave_this_machine_encrypted_only() {
    for good in ["https://api.dublin.ie1.twilio.com", "http://localhost:9080", "http://[::1]:9080", "https://h/path"] {
        assert_eq!(load(&[("TWILIO_BASE_URL", good)]).twilio.base_url, good);
    }
    refused(&[("TWILIO_BASE_URL", "http://api.twilio.com")], "", &["in the clear", "https://"]);
    for bad in ["api.twilio.com", "https://", "ftp://h", "https://u:p@h", "https://h?x", "http://127.0.0.1.example"] {
        refused(&[("TWILIO_BASE_URL", bad)], "", &["TWILIO_BASE_URL"]);
    }
}

#[test]
fn a_number_is_pointed_here_only_where_it_is_said_and_can_be() {
    assert!(!load_with_account(&[("TWILIO_PHONE_NUMBER", "+14155550199")]).carrier.register_numbers);
    let both = [("TWILIO_PHONE_NUMBER", "+14155550199"), ("OFFHOOK_REGISTER_NUMBERS", "true")];
    assert!(load_with_account(&both).carrier.register_numbers);
    refused(&[("OFFHOOK_REGISTER_NUMBERS", "true")], "", &["OFFHOOK_REGISTER_NUMBERS", "TWILIO_PHONE_NUMBER"]);
    refused(&[("OFFHOOK_REGISTER_NUMBERS", "perhaps")], "", &["neither true nor false"]);
}

#[test]
fn the_key_of_secrets_comes_from_the_environment_or_a_file_and_is_one() {
    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let file = std::env::temp_dir().join(format!("offhook-keys-{}", std::process::id()));
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let path = file.display().to_string();
    for env in [[("OFFHOOK_SECRETS_KEY", KEY)], [("OFFHOOK_SECRETS_KEY_FILE", path.as_str())]] {
        assert_eq!(load(&env).secrets.unwrap().current(), "630dcd29");
        assert!(!format!("{:?}", load(&env)).contains("0a0b0c0d"), "no key is shown");
    }
    refused(&[("OFFHOOK_SECRETS_KEY", KEY), ("OFFHOOK_SECRETS_KEY_FILE", &path)], "", &["keep one of them"]);
    std::fs::write(&file, "secret but short").unwrap();
    refused(&[("OFFHOOK_SECRETS_KEY_FILE", &path)], "", &["32 bytes", "openssl rand -base64 32"]);
    std::fs::remove_file(&file).unwrap();
    refused(&[("OFFHOOK_SECRETS_KEY_FILE", &path)], "", &["cannot be read", "name a file"]);
    refused(&[("OFFHOOK_SECRETS_KEY", "short")], "", &["32 bytes", "openssl rand -base64 32"]);
    assert!(!faults(&[("OFFHOOK_SECRETS_KEY", "secret-but-short")], "")[0].contains("secret-but-short"));
    assert!(load(&[]).secrets.is_none());
}
