//! Whose a number is, as far as a carrier that is told to touch it needs to know.

use std::fmt::Debug;
use std::sync::Arc;

use super::{CarrierError, ErrorCode};
use crate::model::{PhoneNumberId, TenantId};

/// Who knows whose numbers are.
pub trait Owners: Debug + Send + Sync {
    /// The tenant that has a number, and its record; `None`: nobody has it.
    fn owner(&self, did_number: &str) -> Option<(TenantId, PhoneNumberId)>;
}

/// Asks them; where nobody can be asked, every number may be touched.
#[derive(Debug, Clone, Default)]
pub(super) struct Ownership(Option<Arc<dyn Owners>>);

impl Ownership {
    pub(super) fn of(owners: Arc<dyn Owners>) -> Self {
        Self(Some(owners))
    }

    /// The number is this one of the tenant's. What nobody has is the operator's, whose is the default tenant.
    pub(super) fn has(&self, tenant: TenantId, number: PhoneNumberId, did_number: &str) -> Result<(), CarrierError> {
        let Some(owners) = &self.0 else { return Ok(()) };
        match owners.owner(did_number) {
            Some(owner) if owner == (tenant, number) => Ok(()),
            None if tenant == TenantId::DEFAULT => Ok(()),
            _ => Err(CarrierError::new(ErrorCode::InvalidConfig, "the number is not this tenant's")),
        }
    }

    /// The number is nobody else's.
    pub(super) fn is_no_others(&self, tenant: TenantId, did_number: &str) -> Result<(), CarrierError> {
        let owner = self.0.as_ref().and_then(|owners| owners.owner(did_number));
        if owner.is_none_or(|(of, _)| of == tenant) {
            return Ok(());
        }
        Err(CarrierError::new(ErrorCode::InvalidConfig, "the number is another tenant's by now"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct One(TenantId, PhoneNumberId);

    impl Owners for One {
        fn owner(&self, did_number: &str) -> Option<(TenantId, PhoneNumberId)> {
            (did_number == "+15550100").then_some((self.0, self.1))
        }
    }

    #[test]
    fn a_number_is_touched_for_its_owner_only() {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let (number, another) = (PhoneNumberId::new(), PhoneNumberId::new());
        let owners = Ownership::of(Arc::new(One(tenant, number)));
        assert_eq!(owners.has(tenant, number, "+15550100"), Ok(()));
        for (tenant, number, did) in [
            (other, number, "+15550100"),
            (tenant, another, "+15550100"),
            (tenant, number, "+15550199"),
            (TenantId::DEFAULT, number, "+15550100"),
        ] {
            assert_eq!(owners.has(tenant, number, did).unwrap_err().code, ErrorCode::InvalidConfig);
        }
        assert_eq!(owners.has(TenantId::DEFAULT, another, "+15550199"), Ok(()), "the operator's own");
        assert_eq!(owners.is_no_others(tenant, "+15550100"), Ok(()));
        assert_eq!(owners.is_no_others(other, "+15550199"), Ok(()), "deleted already");
        assert!(owners.is_no_others(other, "+15550100").is_err());
    }
}
