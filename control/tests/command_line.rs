//! The commands that look after a service, as a user types them, against the program itself.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use support::DataDir;

/// A tenant's directory, and a service on it where one is started.
struct Place {
    data: DataDir,
    service: Option<(Child, String)>,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

impl Place {
    fn new() -> Self {
        Self { data: DataDir::new(), service: None }
    }

    fn serving() -> Self {
        Self::serving_with(&[])
    }

    fn serving_with(env: &[(&str, &str)]) -> Self {
        let mut place = Self::new();
        let mut command = place.command("serve --listen 127.0.0.1:0", env);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("next ") {
            assert!(lines.read_line(&mut greeting).unwrap() > 0, "it ended: {greeting}");
        }
        let url = greeting.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        // It must not block on a full pipe, nor die of a closed one.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        place.service = Some((child, url));
        place
    }

    fn command(&self, arguments: &str, env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
        command.env_clear().stdin(Stdio::null()).args(arguments.split(' '));
        command.env("OFFHOOK_DATA_DIR", &self.data.0).env("OFFHOOK_ESPEAK", "off").envs(env.iter().copied());
        if let Some((_, url)) = &self.service {
            command.env("OFFHOOK_URL", url);
        }
        command
    }

    fn say_with(&self, arguments: &str, env: &[(&str, &str)]) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments, env).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    fn say(&self, arguments: &str) -> Said {
        self.say_with(arguments, &[])
    }

    /// Succeeds, and gives its document.
    fn json(&self, arguments: &str) -> Value {
        let said = self.say(&format!("{arguments} --json"));
        assert_eq!(said.code, 0, "{arguments}: {}", said.err);
        said.json()
    }

    fn fails(&self, arguments: &str, code: i32, words: &str) {
        let said = self.say(arguments);
        assert_eq!(said.code, code, "{arguments}: {} {}", said.out, said.err);
        assert!(said.err.contains(words), "{arguments}: {words:?} is not in: {}", said.err);
        let document = self.say(&format!("{arguments} --json")).json();
        assert_eq!(document["error"]["exit_code"], code, "{arguments}: {document}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.service {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn the_page_of_the_documentation_is_what_the_commands_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command-line.md");
    let page = control::cli::markdown();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/command-line.md is out of date: UPDATE=1 cargo test -p offhook --test command_line");
}

#[test]
fn a_tenant_with_profile_and_number_is_made_shown_changed_and_unmade() {
    let place = Place::serving();
    let tenant = place.json("tenants create Dental --plan growth");
    let id = tenant["id"].as_str().unwrap();
    assert_eq!((&tenant["status"], &tenant["plan"]), (&"active".into(), &"growth".into()));
    let set = place.json(&format!("tenants set {id} --status suspended --concurrent-calls-max 20"));
    assert_eq!((&set["status"], &set["settings"]["concurrent_calls_max"]), (&"suspended".into(), &20.into()));
    let set = place.json(&format!("tenants set {id} --status active --concurrent-calls-max none --retention-days 9"));
    assert_eq!(
        (&set["settings"]["concurrent_calls_max"], &set["settings"]["retention_days"]),
        (&Value::Null, &9.into())
    );
    assert!(place.say("tenants list").out.contains("Dental"));

    let file = place.data.0.join("front desk.toml");
    std::fs::write(&file, "name = 'Front desk'\nrole = 'custom'\nsystem_prompt = 'x'\ngreeting = 'Hello.'\n").unwrap();
    let made = place.command(&format!("profiles create --tenant {id} --json"), &[]).arg(&file).output().unwrap();
    let profile: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(profile["greeting"], "Hello.");
    let profile = profile["id"].as_str().unwrap();
    let of = format!("--tenant {id}");
    assert_eq!(place.json(&format!("profiles set-default {profile} {of}"))["is_default"], true);
    assert_eq!(place.json(&format!("profiles show {profile} {of}"))["name"], "Front desk");
    assert_eq!(place.json(&format!("profiles list {of}"))["items"][0]["id"], profile);

    let number = place.json(&format!("numbers add +15557654321 --provider mock --profile {profile} {of}"));
    assert_eq!(number["did_number"], "+15557654321");
    place.fails(&format!("numbers add +15557654321 {of}"), 4, "/did_number is taken already");
    place.fails(&format!("numbers add 911 {of}"), 4, "/did_number has 3 characters");
    assert!(place.say(&format!("numbers list {of}")).out.contains("+15557654321"));
    let named = place.say_with("numbers remove +15557654321", &[("OFFHOOK_TENANT", id)]);
    assert_eq!(named.code, 0, "{}", named.err);
    place.fails(&format!("numbers remove +15557654321 {of}"), 3, "offhook numbers list");
    place.fails(&format!("profiles show {id} {of}"), 3, "not_found");
    place.fails(&format!("tenants set {id}"), 2, "nothing to change");
}

#[test]
fn a_contact_is_added_found_changed_and_removed_by_its_number() {
    let place = Place::serving();
    let made = place.json("contacts add +15557654321 --name Ann");
    assert_eq!((&made["name"], &made["state"]), (&"Ann".into(), &"new".into()));
    place.fails("contacts add +15557654321", 4, "/phone_number is taken already");
    let set = place.json("contacts set +15557654321 --state do_not_call");
    assert_eq!((&set["state"], &set["name"]), (&"do_not_call".into(), &"Ann".into()));
    assert_eq!(place.json("contacts list --state do_not_call --state busy")["items"][0]["id"], made["id"]);
    assert_eq!(place.json("contacts list --number +15557654322")["items"].as_array().unwrap().len(), 0);
    let id = made["id"].as_str().unwrap();
    assert_eq!(place.json(&format!("contacts show {id}"))["phone_number"], "+15557654321");
    assert_eq!(place.json("contacts attempts +15557654321")["items"].as_array().unwrap().len(), 0);
    place.fails("contacts set +15557654321", 2, "nothing to change");
    assert_eq!(place.say("contacts remove +15557654321").code, 0);
    place.fails("contacts show +15557654321", 3, "offhook contacts list");
}

#[test]
fn an_account_at_a_carrier_takes_its_tokens_from_a_file() {
    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let place = Place::serving_with(&[("OFFHOOK_SECRETS_KEY", KEY), ("TWILIO_BASE_URL", "http://127.0.0.1:9")]);
    let file = place.data.0.join("tokens.txt");
    std::fs::write(&file, "0123456789abcdef-new\n\n0123456789abcdef-old\n").unwrap();
    let (account, file) = (format!("AC{}", "1".repeat(32)), file.display().to_string());
    let made = place.say(&format!("provider-configs add {account} --name Ours --tokens-file {file} --json"));
    assert!(made.code == 0 && !made.out.contains("0123456789abcdef"), "{} {}", made.out, made.err);
    let made = made.json();
    assert_eq!((&made["auth_tokens"], &made["key_id"]), (&2.into(), &"630dcd29".into()));
    let id = made["id"].as_str().unwrap();
    std::fs::write(&file, "0123456789abcdef-new\n").unwrap();
    let set = place.json(&format!("provider-configs set {id} --tokens-file {file} --max-concurrent-calls 9"));
    assert_eq!((&set["auth_tokens"], &set["max_concurrent_calls"]), (&1.into(), &9.into()));
    place.fails(&format!("provider-configs set {id}"), 2, "nothing to change");
    place.fails(&format!("provider-configs set {id} --tokens-file /nowhere"), 2, "cannot read");
    assert!(place.say("provider-configs list").out.contains(&account));
    assert_eq!(place.say(&format!("provider-configs remove {id}")).code, 0);
}

#[test]
fn a_tenants_outbound_bounds_are_set_from_the_command_line() {
    let place = Place::serving();
    let id = "00000000-0000-7000-8000-000000000000";
    let flags = "--dial-prefixes +1,+44 --minutes-per-day-max 60 --outbound-stopped true";
    let set = &place.json(&format!("tenants set {id} {flags}"))["settings"];
    assert_eq!((&set["dial_prefixes"], &set["minutes_per_day_max"]), (&serde_json::json!(["+1", "+44"]), &60.into()));
    assert_eq!(set["outbound_stopped"], true);
    let set = &place.json(&format!("tenants set {id} --dial-prefixes none --outbound-stopped false"))["settings"];
    assert_eq!((&set["dial_prefixes"], &set["outbound_stopped"]), (&Value::Null, &false.into()));
    place.fails(&format!("tenants set {id} --dial-prefixes 44"), 4, "/dial_prefixes/0");
}

#[tokio::test]
async fn a_call_is_listed_shown_followed_and_told_that_it_is_over() {
    let place = Place::serving();
    let address = place.service.as_ref().unwrap().1.strip_prefix("http://").unwrap().parse().unwrap();
    let host = support::Remote { address };
    let sid = support::sid(1);
    assert_eq!(host.post_signed("/twilio/voice", &support::call(&sid)).await.status, 200);
    let listed = place.json("calls list --state answered --number +15557654321");
    let call = &listed["items"][0];
    assert_eq!((&call["carrier_call_id"], &call["from"]), (&sid.as_str().into(), &"+15551234567".into()));
    let id = call["id"].as_str().unwrap();
    let shown = place.say(&format!("calls show {id}")).out;
    assert!(shown.contains("KIND") && shown.contains("answered") && shown.contains(&sid), "{shown}");
    let lines = place.say(&format!("events tail --call {id} --json --for-s 0")).out;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((events.len(), &events[0]["kind"]), (1, &"answered".into()), "{lines}");
    let all = place.say("events tail --for-s 0");
    assert!(all.code == 0 && all.out.contains("answered") && all.out.contains(id), "{}", all.out);
    assert_eq!(place.json("calls list --state completed")["items"].as_array().unwrap().len(), 0);
    place.fails("calls show 01890a5d-ac96-774b-bcce-b302099a8057", 3, "not_found");
    place.fails("calls hangup 01890a5d-ac96-774b-bcce-b302099a8057", 3, "not_found");
}

#[test]
fn a_key_is_made_beside_a_running_service_opens_it_and_is_revoked() {
    let place = Place::serving();
    let made = place.say("keys create deploy --role admin");
    let secret = made.out.trim();
    assert!(made.code == 0 && secret.starts_with("ohk_") && made.out.lines().count() == 1, "{}", made.out);
    assert!(made.err.contains("shown this once") && !made.err.contains(secret), "{}", made.err);
    assert_eq!(place.say_with("tenants list", &[("OFFHOOK_API_KEY", secret)]).code, 0);
    let listed = place.json("keys list");
    let key = &listed["items"][0];
    assert_eq!((&key["name"], &key["role"]), (&"deploy".into(), &"admin".into()));
    assert!(!listed.to_string().contains(&secret[40..]), "the secret is nowhere: {listed}");
    let id = key["id"].as_str().unwrap();

    let tenant = place.json("tenants list")["items"][0]["id"].as_str().unwrap().to_owned();
    let reader = place.json(&format!("keys create reader --role read-only --tenant {tenant}"));
    let reader = reader["token"].as_str().unwrap();
    place.json(&format!("numbers add +15557654321 --tenant {tenant}"));
    let numbers = place.say_with(&format!("numbers list --tenant {tenant}"), &[("OFFHOOK_API_KEY", reader)]);
    assert!(numbers.out.contains("+1555•••4321"), "{}", numbers.out);
    let refused = place.say_with("tenants list", &[("OFFHOOK_API_KEY", reader)]);
    assert!(refused.code == 6 && refused.err.contains("role admin"), "{}", refused.err);

    assert!(place.json(&format!("keys revoke {id}"))["revoked_at"].is_string());
    let opens = || place.say_with("tenants list", &[("OFFHOOK_API_KEY", secret)]).code;
    let shut = (0..1_000).any(|_| opens() == 6);
    assert!(shut, "a revoked key is forgotten within seconds");
    place.fails("keys revoke 01890a5d-ac96-774b-bcce-b302099a8057", 3, "offhook keys list");
    place.fails("keys create x --role operator", 2, "--tenant");
    place.fails(&format!("keys create x --role admin --tenant {tenant}"), 2, "leave out --tenant");
    place.fails("keys create x --role operator --tenant 01890a5d-ac96-774b-bcce-b302099a8057", 3, "tenant_id");
}

#[test]
fn nobody_there_and_no_key_have_codes_of_their_own() {
    let place = Place::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.fails(&format!("calls list --url http://{free}"), 5, "offhook serve");
    place.fails("calls list --url https://voice.example.com", 6, "OFFHOOK_API_KEY");
    place.fails("calls list --url nonsense", 2, "--url");
    assert_eq!(place.say("calls nonsense").code, 2);
    let near = place.say("cals list");
    assert!(near.code == 2 && near.err.contains("'calls'"), "{}", near.err);
}

#[test]
fn a_database_is_made_once_and_says_from_what_to_what() {
    let place = Place::new();
    let made = place.json("migrate");
    assert!(made["from"].is_null() && made["to"] == made["latest"] && made["to"].as_i64() >= Some(1), "{made}");
    let again = place.say("migrate");
    assert!(again.out.contains("already"), "{}", again.out);
    let gone = place.say_with("migrate", &[("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/x")]);
    assert!(gone.code == 5 && !gone.err.contains("secret"), "{}", gone.err);
    let serve = place.say_with("serve --listen 127.0.0.1:0", &[("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/x")]);
    assert!(serve.code == 5 && !serve.err.contains("secret"), "{} {}", serve.code, serve.err);
}

#[test]
fn check_finds_every_fault_with_what_was_meant() {
    let place = Place::new();
    let file = place.data.0.join("offhook.toml");
    std::fs::write(&file, "lisen = '127.0.0.1:0'\ncalls_max = 'many'\n").unwrap();
    let said = place.say(&format!("check --config {}", file.display()));
    assert_eq!((said.code, said.err.lines().count()), (2, 2), "{}", said.err);
    assert!(said.err.contains("did you mean listen?"), "{}", said.err);
    let document = place.say(&format!("check --json --config {}", file.display())).json();
    assert_eq!(document["error"]["problem"]["faults"].as_array().unwrap().len(), 2, "{document}");
    for (name, meant) in [("OFFHOOK_CALS_MAX", "OFFHOOK_CALLS_MAX"), ("ENVIROMENT", "ENVIRONMENT")] {
        let said = place.say_with("check", &[(name, "5")]);
        assert!(said.code == 0 && said.out.contains(&format!("did you mean {meant}?")), "{}", said.out);
    }
    assert_eq!(place.json("check --listen 127.0.0.1:9")["listen"], "127.0.0.1:9");
    let flag = place.say("check --calls-mx 5");
    assert!(flag.code == 2 && flag.err.contains("--calls-max"), "{}", flag.err);
}

#[test]
fn the_doctor_says_what_is_wrong_and_how_to_mend_it() {
    let place = Place::new();
    let well = place.say("doctor --listen 127.0.0.1:0 --json");
    let findings = well.json();
    assert_eq!((well.code, &findings["healthy"]), (0, &true.into()), "{}", well.out);
    let subjects: Vec<&str> =
        findings["findings"].as_array().unwrap().iter().map(|f| f["subject"].as_str().unwrap()).collect();
    for subject in
        ["configuration", "port", "descriptors", "data directory", "database", "clock", "signatures", "public URL"]
    {
        assert!(subjects.contains(&subject), "{subject}: {subjects:?}");
    }
    assert!(!place.data.0.join("offhook.db").exists(), "it looks, and changes nothing");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(std::thread::spawn(move || drop(taken.accept())));
    let file = place.data.0.join("file");
    std::fs::write(&file, "").unwrap();
    let env = [
        ("OFFHOOK_LISTEN", address.as_str()),
        ("OFFHOOK_CALLS_MAX", "100000"),
        ("OFFHOOK_CONNECTIONS_MAX", "1000000"),
        ("OFFHOOK_DATA_DIR", file.to_str().unwrap()),
        ("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/x"),
        ("OFFHOOK_PUBLIC_URL", "http://127.0.0.1:1"),
    ];
    let ill = place.say_with("doctor", &env);
    assert_eq!(ill.code, 1, "{}", ill.out);
    for words in
        ["FAIL  port", "stop what uses it", "FAIL  data directory", "FAIL  database", "warn  public URL", "fix: "]
    {
        assert!(ill.out.contains(words), "{words:?} is not in:\n{}", ill.out);
    }
    assert!(!ill.out.contains("secret"), "{}", ill.out);
    let misconfigured = place.say_with("doctor", &[("OFFHOOK_CALLS_MAX", "x")]);
    assert!(misconfigured.code == 1 && misconfigured.out.contains("FAIL  configuration"), "{}", misconfigured.out);
}

#[test]
fn every_shell_can_complete() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = place.say(&format!("completions {shell}"));
        assert!(said.code == 0 && said.out.contains("offhook") && said.out.contains("set-default"), "{shell}");
    }
    assert_eq!(place.say("completions tcsh").code, 2);
    assert!(place.say("completions --markdown").out.starts_with("# Command line"));
}
