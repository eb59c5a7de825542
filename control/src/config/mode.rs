//! Production or development: who must prove who they are.

use std::net::SocketAddr;

/// What the operator may say outright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Checks are made and logged, and refuse nobody.
    Development,
    /// The rules of production, another name.
    Staging,
    /// Every check refuses.
    Production,
}

/// Which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Bad signatures are logged, not refused.
    Development,
    /// Bad signatures are refused.
    Production,
}

/// The rules, and why they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Which.
    pub rules: Rules,
    /// Why, as the end of a sentence.
    pub because: &'static str,
    /// What the operator calls it.
    pub name: &'static str,
}

/// What of a configuration shows that others can reach the service.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Whether any carrier credential is set, a wrong one included.
    pub credentials: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether a public URL names another host than this machine.
    pub public: bool,
    /// Whether proxies are trusted.
    pub proxied: bool,
}

impl Mode {
    /// What is said outright holds; else every sign that others can reach the service means production. Not the
    /// credentials alone: where they do not arrive (a misspelt name, a secret that is not mounted), a public deployment
    /// must stop and say so.
    pub fn decide(said: Option<Environment>, reach: Reach) -> Self {
        let production = |because| Self { rules: Rules::Production, because, name: "production" };
        match said {
            Some(Environment::Development) => {
                Self { rules: Rules::Development, because: "ENVIRONMENT says so", name: "development" }
            }
            Some(Environment::Staging) => Self { name: "staging", ..production("ENVIRONMENT says so") },
            Some(Environment::Production) => production("ENVIRONMENT says so"),
            None if reach.credentials => production("a carrier credential is set"),
            None if !reach.listen.ip().is_loopback() => production("the service listens beyond this machine"),
            None if reach.public => production("OFFHOOK_PUBLIC_URL names another host than this machine"),
            None if reach.proxied => production("OFFHOOK_TRUSTED_PROXIES is set"),
            None => Self {
                rules: Rules::Development,
                because: "no credential is set and only this machine can connect",
                name: "development",
            },
        }
    }

    /// Whether bad signatures are refused.
    pub fn is_production(&self) -> bool {
        self.rules == Rules::Production
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:8080";

    fn reach(credentials: bool, listen: &str) -> Reach {
        Reach { credentials, listen: listen.parse().unwrap(), public: false, proxied: false }
    }

    fn check(said: Option<Environment>, reach: Reach, rules: Rules) {
        assert_eq!(Mode::decide(said, reach).rules, rules, "{said:?} {reach:?}");
    }

    #[test]
    fn only_what_nobody_else_can_reach_is_development_unsaid() {
        check(None, reach(false, HERE), Rules::Development);
        check(None, reach(false, "[::1]:8080"), Rules::Development);
        check(None, reach(true, HERE), Rules::Production);
        check(None, reach(false, "0.0.0.0:8080"), Rules::Production);
        check(None, reach(false, "192.168.1.5:8080"), Rules::Production);
        check(None, Reach { public: true, ..reach(false, HERE) }, Rules::Production);
        check(None, Reach { proxied: true, ..reach(false, HERE) }, Rules::Production);
    }

    #[test]
    fn what_is_said_outright_holds() {
        let exposed = Reach { public: true, proxied: true, ..reach(true, "0.0.0.0:8080") };
        check(Some(Environment::Development), exposed, Rules::Development);
        check(Some(Environment::Staging), reach(false, HERE), Rules::Production);
        check(Some(Environment::Production), reach(false, HERE), Rules::Production);
    }
}
