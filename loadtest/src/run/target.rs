//! Whom to call, and as whom, from what the command line and the environment say.

use crate::cli::TargetArgs;
use crate::rng::Rng;
use crate::shell::route::Route;
use crate::twilio::ids;
use crate::twilio::url::Url;

/// Where a voice webhook is expected when `--url` names host and port only.
const VOICE_PATH: &str = "/twilio/voice";

pub(super) fn where_to(args: &TargetArgs) -> Result<(Url, Route), String> {
    let mut local = Url::parse(&args.url).map_err(|e| format!("--url: {e}"))?;
    if names_host_only(&args.url) {
        VOICE_PATH.clone_into(&mut local.path);
    }
    if !local.scheme.starts_with("http") {
        return Err(format!("--url {local}: a webhook is http:// or https://"));
    }
    let Some(public) = &args.public_url else {
        let route = Route::default();
        route.place(&local)?;
        return Ok((local, route));
    };
    let base = Url::parse(public).map_err(|e| format!("--public-url: {e}"))?;
    let url = Url { path: local.path.clone(), query: local.query.clone(), ..base };
    Ok((url.clone(), Route { behind: Some((url.host, local)) }))
}

/// Whether nothing follows host and port, not even a slash.
fn names_host_only(url: &str) -> bool {
    url.trim().split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']))
}

pub(super) fn account_sid(args: &TargetArgs, rng: &mut Rng) -> Result<String, String> {
    let made_up = ids::sid("AC", rng);
    let sid = args.account_sid.clone().or_else(|| environment("TWILIO_ACCOUNT_SID")).unwrap_or(made_up);
    let good = sid.len() == 34 && sid.starts_with("AC") && sid[2..].bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(sid) } else { Err(format!("account SID {sid:?}: AC and 32 hexadecimal digits")) }
}

pub(super) fn auth_token(args: &TargetArgs) -> String {
    let from_environment =
        || environment("TWILIO_AUTH_TOKEN").and_then(|all| all.split(',').next().map(|t| t.trim().to_owned()));
    args.auth_token.clone().or_else(from_environment).unwrap_or_else(|| "loadtest".into())
}

pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The `index`th number behind the first.
pub(super) fn next_number(first: &str, index: u32) -> String {
    let digits = first.trim_start_matches('+');
    match digits.parse::<u64>() {
        Ok(number) if first.starts_with('+') => format!("+{}", number + u64::from(index)),
        _ => first.to_owned(),
    }
}
