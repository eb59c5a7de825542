//! `serve`: reads who there is, then answers the REST API until it is ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::runtime;
use super::target::environment;
use super::terminal::say;
use crate::call::course::Mishaps;
use crate::caller::library;
use crate::caller::script::{self, Script};
use crate::cli::ServeArgs;
use crate::rest::account::{AccountPlan, ApiKey};
use crate::rest::exchange::{Exchange, ExchangePlan};
use crate::rest::file::{self, Accounts};
use crate::rest::number::NumberPlan;
use crate::rest::phone;
use crate::shell::clock::{self, Clock};
use crate::shell::route::Route;
use crate::shell::serve;
use crate::time::Micros;
use crate::twilio::url::Url;

/// The account that there is when nobody names one.
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token, the one that `call` signs with.
const TOKEN: &str = "loadtest";

/// Serves until it is interrupted.
pub(super) fn serve(args: &ServeArgs) -> Result<u8, String> {
    if !args.listen.ip().is_loopback() {
        return Err(format!("--listen {}: only on this machine, such as 127.0.0.1:9080", args.listen));
    }
    let who = who(args)?;
    let route = route(args)?;
    let mut plan = plan(args, &who)?;
    runtime(async {
        let listener = TcpListener::bind(args.listen).await.map_err(|e| format!("--listen {}: {e}", args.listen))?;
        let at = listener.local_addr().map_err(|e| e.to_string())?;
        let base = format!("http://{at}");
        announce(&base, &who.accounts);
        plan.api = base;
        serve::serve(listener, Exchange::new(plan), Clock::start(), route).await.map_err(|e| e.to_string())
    })??;
    Ok(0)
}

fn who(args: &ServeArgs) -> Result<Accounts, String> {
    let mut who = match &args.accounts {
        Some(path) => {
            let shown = path.display();
            let text = std::fs::read_to_string(path).map_err(|e| format!("--accounts {shown}: {e}"))?;
            file::parse(&text).map_err(|e| format!("--accounts {shown}: {e}"))?
        }
        None => Accounts { accounts: vec![account(args)?], parties: BTreeMap::new() },
    };
    let mishaps = args.mishaps.mishaps()?;
    for account in &mut who.accounts {
        account.faults.extend(args.fault.iter().cloned());
        if mishaps != Mishaps::default() {
            account.mishaps = mishaps;
        }
    }
    file::check(&who.accounts)?;
    for written in &args.party {
        let (number, script) = pair("--party", written)?;
        let party = phone::party(number).ok_or_else(|| format!("--party {written}: {number:?} is no number"))?;
        who.parties.insert(party, script.to_owned());
    }
    Ok(who)
}

fn account(args: &ServeArgs) -> Result<AccountPlan, String> {
    let token = || environment("TWILIO_AUTH_TOKEN").and_then(|all| all.split(',').next().map(|t| t.trim().to_owned()));
    let sid = args.account_sid.clone().or_else(|| environment("TWILIO_ACCOUNT_SID"));
    let keys = args.api_key.iter().map(|written| {
        let key = written.split_once(':').map(|(sid, secret)| ApiKey { sid: sid.into(), secret: secret.into() });
        key.ok_or_else(|| format!("--api-key {written}: SK…:SECRET"))
    });
    let numbers = args.number.iter().map(|written| {
        let (number, url) = pair("--number", written)?;
        let phone_number =
            phone::number(number).ok_or_else(|| format!("--number {written}: {number:?} is no number"))?;
        Ok::<_, String>(NumberPlan { phone_number, voice_url: url.into(), ..NumberPlan::default() })
    });
    Ok(AccountPlan {
        sid: sid.unwrap_or_else(|| ACCOUNT.into()),
        auth_token: args.auth_token.clone().or_else(token).unwrap_or_else(|| TOKEN.into()),
        keys: keys.collect::<Result<_, _>>()?,
        numbers: numbers.collect::<Result<_, _>>()?,
        calls_per_second: args.calls_per_second,
        concurrent_calls: args.concurrent_calls,
        concurrent_requests: args.concurrent_requests,
        ..AccountPlan::default()
    })
}

fn plan(args: &ServeArgs, who: &Accounts) -> Result<ExchangePlan, String> {
    let mut scripts: BTreeMap<String, Arc<Script>> = BTreeMap::new();
    let built_in = library::SCENARIOS.iter().chain(library::PARTIES).map(|(name, _)| (*name).to_owned());
    for name in built_in.chain(who.parties.values().cloned()).chain([args.anybody.clone()]) {
        let script = script::load(&name).map_err(|e| e.to_string())?;
        scripts.insert(name, Arc::new(script));
    }
    let named = |name: &String| scripts.get(name).cloned().ok_or_else(|| format!("no script {name:?}"));
    let parties = who.parties.iter().map(|(party, name)| Ok((party.clone(), named(name)?)));
    Ok(ExchangePlan {
        accounts: who.accounts.clone(),
        parties: parties.collect::<Result<_, String>>()?,
        anybody: named(&args.anybody)?,
        scripts,
        api: String::new(),
        answers_after: Micros::from_ms(args.answer_ms),
        seed: args.seed.unwrap_or_else(clock::fresh_seed),
        unix_s: clock::unix_s(),
    })
}

fn route(args: &ServeArgs) -> Result<Route, String> {
    let Some(written) = &args.behind else { return Ok(Route::default()) };
    let (host, url) = pair("--behind", written)?;
    let local = Url::parse(url).map_err(|e| format!("--behind: {e}"))?;
    Ok(Route { behind: Some((host.to_owned(), local)) })
}

fn pair<'a>(option: &str, written: &'a str) -> Result<(&'a str, &'a str), String> {
    written.split_once('=').ok_or_else(|| format!("{option} {written}: two things with = between them"))
}

fn announce(base: &str, accounts: &[AccountPlan]) {
    let mut lines = vec![format!("Twilio's voice REST API at {base} (ctrl-c ends it)")];
    for account in accounts {
        lines.push(format!("account {} with token {}", account.sid, account.auth_token));
        lines.extend(account.keys.iter().map(|key| format!("  key {}:{}", key.sid, key.secret)));
        lines.extend(account.faults.iter().map(|fault| format!("  goes wrong: {fault}")));
        let numbers = account.numbers.iter();
        lines.extend(numbers.map(|number| format!("  number {} asks {}", number.phone_number, number.voice_url)));
    }
    // Whoever started this may have closed what it writes to; the API is served all the same.
    say(lines.join("\n"));
}
