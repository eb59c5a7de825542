//! Writes `docs/configuration.md` from the table of settings, so that the two cannot differ.

use std::fmt::Write as _;

use super::settings::{ALL, Applies, Setting};

const HEAD: &str = "# Configuration

Flags win over the environment, the environment over the file, the file over the default. The file is TOML; it is named
by `--config FILE` or `OFFHOOK_CONFIG`, and every key stands at its top level. An empty environment variable counts as not
set. Secrets have no flag, because arguments are visible to every process of a machine.

Everything is checked as a whole before a port opens. Each fault is one line that names the key, where its value came
from, and the fix; the exit code is then 2, as it is where the address cannot be listened on. An unknown key in the file is a
fault, and so is a known variable whose value is not UTF-8; an unknown `OFFHOOK_…`, `TWILIO_…` or `TELEPHONY_…`
variable is a warning.

This page is written by `offhook config --markdown`.

| Name | Also | Flag; key in the file | Unit or form | Default | Change needs | Meaning |
|---|---|---|---|---|---|---|
";

const TAIL: &str = "
## Mode

| | development | production, staging |
|---|---|---|
| when | `ENVIRONMENT=development`; or nothing said, and no sign that others can reach it | `ENVIRONMENT` says so; or any `TWILIO_…` credential; or an address that is not loopback; or an `OFFHOOK_PUBLIC_URL` of another host; or `OFFHOOK_TRUSTED_PROXIES` |
| bad or missing signature | logged | 403, counted |
| another account than `TWILIO_ACCOUNT_SID` | logged | 403, counted |
| rate limit | not for loopback clients | for everybody |
| needs | nothing | `TWILIO_AUTH_TOKEN` (or `TWILIO_SHARED_KEYS`) and `OFFHOOK_PUBLIC_URL` |

Media sockets need the token that their webhook issued in either mode.

## Health checks

Point a load balancer's check at `/readyz` (503 while draining, so that new calls go elsewhere) or at `/healthz` (200 as
long as the process lives). These two are never counted by the rate limit; `/` and every failing request are.
";

/// The whole page.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for setting in ALL {
        row(&mut page, setting);
    }
    page.push_str(TAIL);
    page
}

fn row(page: &mut String, setting: &Setting) {
    let aliases: Vec<String> = setting.aliases.iter().map(|a| format!("`{a}`")).collect();
    let flag = setting.flag().map_or(String::new(), |flag| format!("`--{flag}`; "));
    let default = if setting.default.is_empty() { "not set".into() } else { format!("`{}`", setting.default) };
    let applies = match setting.applies {
        Applies::Restart => "restart",
    };
    // Writing into a String cannot fail.
    let _ = writeln!(
        page,
        "| `{}` | {} | {flag}`{}` | {} | {default} | {applies} | {} |",
        setting.name,
        aliases.join(", "),
        setting.file_key(),
        setting.unit,
        setting.about.replace('|', "\\|"),
    );
}
