//! Contacts: whom a tenant calls, and what came of it.

use std::sync::LazyLock;

use axum::response::Response;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::body::parsed;
use super::calls::STATES as CALL_STATES;
use super::fault::{Fault, Faults};
use super::problem::Problem;
use super::query::Query;
use super::shape::{METADATA, Object, Shape};
use super::shown;
use super::text::Text;
use crate::config::PhoneNumber;
use crate::model::{ContactFilter, ContactPatch, NewContact, Role};

pub(super) const STATES: &[&str] =
    &["new", "calling", "reached", "busy", "no_answer", "failed", "canceled", "do_not_call"];
/// Those that people set; the rest are what came of calls.
const SET: &[&str] = &["new", "do_not_call"];
const FIXED: &[&str] = &["id", "tenant_id", "phone_number", "last_call_id", "created_at", "updated_at"];

/// A contact to be made.
pub(super) static NEW: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A contact to be made.");
    let object = object.must("phone_number", Shape::Text(Text::PHONE), "Where it is called; one contact per number.");
    changeable(object).example(json!({"phone_number": "+15557654321", "name": "Ann Lee", "metadata": {"order": 4711}}))
});

/// What may be changed of it.
pub(super) static PATCH: LazyLock<Object> = LazyLock::new(|| {
    changeable(Object::new("")).patch("What may be changed of a contact.", FIXED, json!({"state": "do_not_call"}))
});

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("Somebody whom a tenant calls.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let object = object.must("phone_number", Shape::Text(Text::PHONE), "Where it is called.");
    let object = object.must("name", Shape::Text(Text::ANY).or_null(), "What it is called.");
    let object = object.must("state", Shape::Word(STATES), "What came of the last call to it; or `do_not_call`.");
    let object = object.must("metadata", Shape::Open, "What you want to remember of it.");
    let doc = "The last call to it; which retention may have deleted.";
    let object = object.must("last_call_id", Shape::Text(Text::ID).or_null(), doc);
    let object = object.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    object.must("updated_at", Shape::Text(Text::TIME), "When it was changed last, by a call to it too.")
});

/// A call that was placed to it.
pub(super) static ATTEMPT: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("A call that was placed to a contact.").must("id", Shape::Text(Text::ID), "Its id.");
    let object = object.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let object = object.must("contact_id", Shape::Text(Text::ID), "Whom it was placed to.");
    let object = object.must("campaign_id", Shape::Text(Text::ID).or_null(), "Of which campaign it is.");
    let object = object.must("call_id", Shape::Text(Text::ID), "The call.");
    let object = object.must("state", Shape::Word(CALL_STATES), "The call's state.");
    let object = object.must("started_at", Shape::Text(Text::TIME), "When the call was asked for.");
    object.must("ended_at", Shape::Text(Text::TIME).or_null(), "When it was over.")
});

fn changeable(object: Object) -> Object {
    let object = object.may("name", Shape::Text(Text::line(1, 200)).or_null(), Value::Null, "What it is called.");
    let doc = "`do_not_call`: no call is placed to it, whoever asks. `new`: it may be called. What calls come to, they say \
               themselves.";
    let object = object.may("state", Shape::Word(SET), json!("new"), doc);
    object.may("metadata", METADATA, json!({}), "What you want to remember of it: any object of at most 4,096 bytes.")
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(create_contact, list_contacts))
        .routes(routes!(get_contact, patch_contact, delete_contact))
        .routes(routes!(list_contact_attempts))
}

/// Makes a contact.
///
/// A call may name it (`contact_id`); then it shows what came of the call, and is called by one call at a time.
#[utoipa::path(post, path = "/tenants/{tenant_id}/contacts", tag = "Contacts", request_body = ref("NewContact"),
    responses((status = 201, description = "Made.", body = ref("Contact"))))]
async fn create_contact(asked: Asked) -> Result<Response, Problem> {
    let tenant = asked.tenant(Role::TenantAdmin)?;
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (new, once) = asked.posted::<NewContact>(&NEW).await?;
    let made = app.store.create_contact(caller.actor, tenant, new, once).await?;
    shown::created(caller, &made, &format!("/api/tenants/{tenant}/contacts/{}", made.value.id))
}

/// Lists a tenant's contacts.
///
/// A read_only key sees numbers masked, and cannot look for one.
#[utoipa::path(get, path = "/tenants/{tenant_id}/contacts", tag = "Contacts",
    responses((status = 200, description = "A page of them.", body = ref("ContactPage"))))]
async fn list_contacts(asked: Asked) -> Result<Response, Problem> {
    let (query, mut faults) = asked.query(&["limit", "cursor", "state", "phone_number"]);
    let tenant = asked.tenant(Role::ReadOnly)?;
    if asked.caller.sees_masked() && query.all("phone_number").next().is_some() {
        return Err(Problem::forbidden("a read_only key sees numbers masked, and cannot look for one"));
    }
    asked.existing_tenant(Role::ReadOnly).await?;
    let page = query.page(&mut faults);
    let filter = filter(&query, &mut faults);
    faults.into_result()?;
    shown::page(asked.caller, &asked.app.store.contacts(tenant, filter, page).await?)
}

fn filter(query: &Query, faults: &mut Faults) -> ContactFilter {
    let states = query.all("state").map(|word| serde_json::from_value(json!(word)).ok());
    let states = states.collect::<Option<Vec<_>>>().unwrap_or_else(|| {
        let detail = format!("must be one of {}", STATES.join(", "));
        faults.push(Fault::parameter("state", "not_one_of", detail));
        Vec::new()
    });
    let number =
        |text: &str| text.parse::<PhoneNumber>().ok().filter(|number| number.as_str() == text).map(|_| text.to_owned());
    let phone_number = query.one("phone_number", "a telephone number such as +15551234567", faults, number);
    ContactFilter { states, phone_number }
}

/// Shows a contact.
#[utoipa::path(get, path = "/tenants/{tenant_id}/contacts/{contact_id}", tag = "Contacts",
    responses((status = 200, description = "The contact.", body = ref("Contact"))))]
async fn get_contact(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.contact_id()?);
    asked.no_query()?;
    let contact = asked.app.store.contact(tenant, id).await?;
    shown::versioned(asked.caller, &contact, contact.version)
}

/// Changes a contact.
#[utoipa::path(patch, path = "/tenants/{tenant_id}/contacts/{contact_id}", tag = "Contacts",
    request_body = ref("ContactPatch"),
    responses((status = 200, description = "As it is now.", body = ref("Contact"))))]
async fn patch_contact(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.contact_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (value, if_match) = asked.changes(&PATCH).await?;
    let now = app.store.contact(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    let contact = app.store.patch_contact(caller.actor, tenant, id, patch(&value)?, expected).await?;
    shown::versioned(caller, &contact, contact.version)
}

fn patch(value: &Value) -> Result<ContactPatch, Problem> {
    let member = |name: &str| value.get(name).cloned();
    Ok(ContactPatch {
        name: member("name").map(parsed).transpose()?,
        state: member("state").map(parsed).transpose()?,
        metadata: member("metadata"),
    })
}

/// Deletes a contact.
///
/// Its attempts go with it; its calls stay. Whoever must never be called again stays better as `do_not_call`.
#[utoipa::path(delete, path = "/tenants/{tenant_id}/contacts/{contact_id}", tag = "Contacts",
    responses((status = 204, description = "Gone.")))]
async fn delete_contact(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::TenantAdmin)?, asked.contact_id()?);
    let if_match = asked.if_match()?;
    let now = asked.app.store.contact(tenant, id).await?;
    let expected = if_match.expects(now.version)?;
    asked.app.store.delete_contact(asked.actor(), tenant, id, expected).await?;
    Ok(shown::nothing())
}

/// Lists the calls that were placed to a contact.
///
/// An attempt goes when its call does.
#[utoipa::path(get, path = "/tenants/{tenant_id}/contacts/{contact_id}/attempts", tag = "Contacts",
    responses((status = 200, description = "A page of them.", body = ref("CallAttemptPage"))))]
async fn list_contact_attempts(asked: Asked) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::ReadOnly)?, asked.contact_id()?);
    let page = asked.page()?;
    shown::page(asked.caller, &asked.app.store.attempts(tenant, id, page).await?)
}
