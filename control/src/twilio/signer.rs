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

    /// Whether it may speak of this tenant's numbers and calls.
    pub(crate) fn is_for(&self, app: &App, tenant: TenantId) -> bool {
        match self {
            Self::Operator => app.directory.account_of(tenant, ProviderType::Twilio).is_none(),
            Self::Tenant(account) => account.tenant == tenant,
        }
    }
}

/// Whom a webhook is about: the tenant of its call, where that is known, or of its number; `None` where it names neither.
pub(super) fn tenant(app: &App, call: &Sid, params: &Params) -> Option<TenantId> {
    if let Some((_, line)) = app.chronicle.known(call) {
        return Some(line.tenant());
    }
    let outbound = params.get("Direction").is_some_and(|direction| direction.starts_with("outbound"));
    let own = params.get(if outbound { "From" } else { "To" })?;
    Some(app.directory.line(own).tenant())
}
