//! Profiles: what the agent of a call says and does.

use engine::turn::TurnParams;
use serde::{Deserialize, Serialize};

use super::{ProfileId, TenantId, Timestamp};

/// What the agent is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentRole {
    /// Takes calls and passes them on.
    Receptionist,
    /// Sells.
    Sales,
    /// Helps.
    Support,
    /// Sends somebody.
    Dispatcher,
    /// Anything else.
    Custom,
}

/// Which kind of agent answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// The scripted one: greeting and touch-tone menu.
    #[default]
    Script,
}

/// When a call must reach a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Words that make it one. Kept for agents that understand words.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Whom to call then: E.164.
    #[serde(default)]
    pub contact: Option<String>,
}

/// What a key does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum MenuAction {
    /// Says a text.
    Say {
        /// What is said.
        text: String,
    },
    /// Connects the caller to a number that the allow-list has.
    Transfer {
        /// E.164.
        to: String,
    },
    /// Says the greeting and the menu again.
    Repeat,
    /// Lets callers hear themselves for ten seconds: an echo test.
    Echo,
    /// Says goodbye and ends the call.
    Goodbye,
}

/// One key of the touch-tone menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuKey {
    /// `0` to `9`, `*` or `#`.
    pub digit: char,
    /// What is said of it when the menu is offered, such as "For opening hours, press 1."
    pub prompt: String,
    /// What it does.
    #[serde(flatten)]
    pub action: MenuAction,
}

/// A profile of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it says and does.
    #[serde(flatten)]
    pub content: NewProfile,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; its ETag.
    #[serde(skip_serializing, default)]
    pub version: i64,
}

/// What a profile says and does; also a profile to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewProfile {
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// What the agent is there for.
    pub role: AgentRole,
    /// Instructions of a thinking agent; not empty, at most 32,000 characters.
    pub system_prompt: String,
    /// Whether calls to numbers without a profile get this one; at most one per tenant is.
    #[serde(default)]
    pub is_default: bool,
    /// What a caller hears first, at most 1,000 characters; `None`: the demo's welcome.
    #[serde(default)]
    pub greeting: Option<String>,
    /// BCP 47, such as `en-US`: the voice that speaks the texts.
    #[serde(default = "english")]
    pub language: String,
    /// Which kind of agent answers.
    #[serde(default)]
    pub agent_kind: AgentKind,
    /// Settings of that kind, an object. For `script`: `silence_s` (until the caller is asked again, 2 to 60).
    #[serde(default = "no_settings")]
    pub agent_settings: serde_json::Value,
    /// When a call must reach a person.
    #[serde(default)]
    pub emergency: Emergency,
    /// The only numbers that a call may be transferred to: E.164.
    #[serde(default)]
    pub transfer_allow: Vec<String>,
    /// The touch-tone menu, at most 12 keys; empty: the demo's menu.
    #[serde(default)]
    pub menu: Vec<MenuKey>,
    /// How turns are taken.
    #[serde(default)]
    pub turn_taking: TurnParams,
    /// What callers are told before a recording begins.
    #[serde(default)]
    pub consent_text: Option<String>,
}

/// What may be changed of a profile: every field that is there replaces its old value. Checked as the whole it leads to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfilePatch(pub serde_json::Map<String, serde_json::Value>);

fn english() -> String {
    "en-US".to_owned()
}

fn no_settings() -> serde_json::Value {
    serde_json::json!({})
}
