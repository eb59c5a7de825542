//! Whose signature counts: the account that a request names decides which tokens may have signed it, and whose numbers
//! and calls it may be about.
//!
//! A tenant with an account of its own is signed for by that account alone; everybody else by the operator's. One tenant's
//! token never signs for another's number.

use std::sync::Arc;

use engine::wire::Sid;
use secrecy::SecretString;

use super::webhook::Params;
use crate::app::App;
use crate::directory::Account;
use crate::model::{ProviderType, TenantId};

/// Whose tokens sign.
#[derive(Debug, Clone)]
pub(crate) enum Signer {
    /// The operator's, from the configuration.
    Operator,
    /// A tenant's own.
    Tenant(Arc<Account>),
}

impl Signer {
    /// For requests that name this account.
    pub(crate) fn of(app: &App, account: Option<&str>) -> Self {
        account.and_then(|account| app.directory.account(account)).map_or(Self::Operator, Self::Tenant)
    }

    /// What signs.
    pub(crate) fn tokens<'a>(&'a self, app: &'a App) -> &'a [SecretString] {
        match self {
            Self::Operator => &app.config.tokens,
            Self::Tenant(account) => &account.tokens,
        }
    }

    /// Whether there is anything to check a signature with. A tenant's account whose tokens do not open has nothing, and
    /// then nothing fits.
    pub(crate) fn can_check(&self, app: &App) -> bool {
        matches!(self, Self::Tenant(_)) || app.config.can_check_signatures()
    }

    /// Whether it may speak of this tenant's numbers.
    fn is_for(&self, app: &App, tenant: TenantId) -> bool {
        match self {
            Self::Operator => app.directory.account_of(tenant, ProviderType::Twilio).is_none(),
            Self::Tenant(account) => account.tenant == tenant,
        }
    }

    /// Whether it may speak of a webhook's call: the account over which it goes, for as long as it lasts; where that is not
    /// known, whoever may speak of its number.
    pub(super) fn may_tell(&self, app: &App, call: &Sid, params: &Params) -> bool {
        if let Some((tenant, account)) = app.chronicle.owner(call) {
            return account.map_or_else(|| self.is_for(app, tenant), |of| params.get("AccountSid") == Some(&of));
        }
        let outbound = params.get("Direction").is_some_and(|direction| direction.starts_with("outbound"));
        let own = params.get(if outbound { "From" } else { "To" });
        own.is_none_or(|own| self.is_for(app, app.directory.line(own).tenant()))
    }
}
