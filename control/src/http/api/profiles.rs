//! AI profiles: what the agent of a call says and does.

use axum::response::Response;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::Asked;
use super::body::parsed;
use super::fault::Faults;
use super::problem::Problem;
use super::profile::{NEW, PATCH, check_whole};
use super::refresh;
use super::shown;
use super::{Routes, TRIES};
use crate::db::StoreError;
use crate::model::{NewProfile, Profile, Role};

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(create_ai_profile, list_ai_profiles)).routes(routes!(
        get_ai_profile,
        patch_ai_profile,
        delete_ai_profile
    ))
}

/// Makes a profile.
///
/// A call uses its number's profile, else the tenant's default one.
#[utoipa::path(post, path = "/tenants/{tenant_id}/ai-profiles", tag = "AI profiles", request_body = ref("NewProfile"),
    responses((status = 201, description = "Made.", body = ref("Profile"))))]
async fn create_ai_profile(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewProfile>(&NEW).await?;
    let made = app.store.create_profile(caller.actor, tenant, new, once).await?;
    refresh(&app, tenant).await;
    shown::created(caller, &made, &format!("/api/tenants/{tenant}/ai-profiles/{}", made.value.id))
}

/// Lists a tenant's profiles.
#[utoipa::path(get, path = "/tenants/{tenant_id}/ai-profiles", tag = "AI profiles",
    responses((status = 200, description = "A page of them.", body = ref("ProfilePage"))))]
async fn list_ai_profiles(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.existing_tenant(Role::ReadOnly).await?;
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.profiles(tenant, page).await?)
}

/// Shows a profile.
#[utoipa::path(get, path = "/tenants/{tenant_id}/ai-profiles/{ai_profile_id}", tag = "AI profiles",
    responses((status = 200, description = "The profile.", body = ref("Profile"))))]
async fn get_ai_profile(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.profile_id()?);
    asked.no_query()?;
    let profile = asked.app.store.profile(tenant, id).await?;
    shown::versioned(asked.caller, &profile, profile.version)
}

/// Changes a profile.
///
/// Each field that is there replaces its old value, whole. Live calls keep the profile that they began with.
#[utoipa::path(patch, path = "/tenants/{tenant_id}/ai-profiles/{ai_profile_id}", tag = "AI profiles",
    request_body = ref("ProfilePatch"),
    responses((status = 200, description = "As it is now.", body = ref("Profile"))))]
async fn patch_ai_profile(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.profile_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let Value::Object(patch) = value else { return Err(Problem::internal(&"a patch that is no object")) };
    // Others may change other fields at the same moment: then the patch is laid on what they left.
    for _ in 0..TRIES {
        let now = app.store.profile(tenant, id).await?;
        if_match.expects(now.version)?;
        let content = merged(&now, &patch)?;
        match app.store.replace_profile(caller.actor, tenant, id, content, now.version).await {
            Err(StoreError::Stale) => {}
            result => {
                let profile = result?;
                refresh(&app, tenant).await;
                return shown::versioned(caller, &profile, profile.version);
            }
        }
    }
    Err(Problem::busy())
}

/// What a profile would be with the patch on it, checked as a whole.
fn merged(now: &Profile, patch: &Map<String, Value>) -> Result<NewProfile, Problem> {
    let mut content = serde_json::to_value(&now.content).map_err(|error| Problem::internal(&error))?;
    if let Value::Object(members) = &mut content {
        members.extend(patch.clone());
    }
    let mut faults = Faults::default();
    if let Value::Object(members) = &content {
        check_whole(members, &mut faults);
    }
    faults.into_result()?;
    parsed(content)
}

/// Deletes a profile.
///
/// A number that used it has none from then on, and is answered by the tenant's default profile.
#[utoipa::path(delete, path = "/tenants/{tenant_id}/ai-profiles/{ai_profile_id}", tag = "AI profiles",
    responses((status = 204, description = "Gone.")))]
async fn delete_ai_profile(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.profile_id()?);
    let if_match = asked.if_match()?;
    let now = asked.app.store.profile(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    asked.app.store.delete_profile(asked.actor(), tenant, id, expected).await?;
    refresh(&asked.app, tenant).await;
    Ok(shown::nothing())
}
