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

impl Mode {
    /// What is said outright holds; else any credential or a bind that others can reach means production.
    pub fn decide(said: Option<Environment>, credentials: bool, listen: SocketAddr) -> Self {
        let production = |because| Self { rules: Rules::Production, because, name: "production" };
        match said {
            Some(Environment::Development) => {
                Self { rules: Rules::Development, because: "ENVIRONMENT says so", name: "development" }
            }
            Some(Environment::Staging) => Self { name: "staging", ..production("ENVIRONMENT says so") },
            Some(Environment::Production) => production("ENVIRONMENT says so"),
            None if credentials => production("a carrier credential is set"),
            None if !listen.ip().is_loopback() => production("the service listens beyond this machine"),
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

    fn check(said: Option<Environment>, credentials: bool, listen: &str, rules: Rules) {
        assert_eq!(Mode::decide(said, credentials, listen.parse().unwrap()).rules, rules);
    }

    #[test]
    fn only_loopback_without_credentials_is_development_unsaid() {
        check(None, false, "127.0.0.1:8080", Rules::Development);
        check(None, false, "[::1]:8080", Rules::Development);
        check(None, true, "127.0.0.1:8080", Rules::Production);
        check(None, false, "0.0.0.0:8080", Rules::Production);
        check(None, false, "192.168.1.5:8080", Rules::Production);
    }

    #[test]
    fn what_is_said_outright_holds() {
        check(Some(Environment::Development), true, "0.0.0.0:8080", Rules::Development);
        check(Some(Environment::Staging), false, "127.0.0.1:8080", Rules::Production);
        check(Some(Environment::Production), false, "127.0.0.1:8080", Rules::Production);
    }
}
