//! What a profile may say: its shape, and the rules that hold between its fields.

use std::sync::LazyLock;

use engine::turn::TurnParams;
use serde_json::{Map, Value, json};

use super::fault::Faults;
use super::shape::{Field, Object, Shape};
use super::text::Text;

const ROLES: &[&str] = &["receptionist", "sales", "support", "dispatcher", "custom"];
const FIXED: &[&str] = &["id", "tenant_id", "created_at", "updated_at"];
/// What is said is at most this long: about a minute.
const SPOKEN_CHARS_MAX: usize = 1_000;
const KEYWORDS_MAX: usize = 100;
const TRANSFER_TARGETS_MAX: usize = 100;
/// A telephone has no more keys.
const MENU_KEYS_MAX: usize = 12;

/// A profile to be made.
pub(super) static NEW: LazyLock<Object> =
    LazyLock::new(|| spoken(who(Object::new("A profile to be made."))).rules(check_whole).example(example()));

/// What may be changed of it: every field that is there replaces its old value, whole.
pub(super) static PATCH: LazyLock<Object> = LazyLock::new(|| {
    let doc = "What may be changed of a profile: each field that is there replaces its old value, whole.";
    NEW.clone().patch(doc, FIXED, json!({"greeting": "Good evening! How can I help you?", "is_default": true}))
});

/// As it is shown.
pub(super) static SHOWN: LazyLock<Object> = LazyLock::new(|| {
    let first = Object::new("").must("id", Shape::Text(Text::ID), "Its id.");
    let first = first.must("tenant_id", Shape::Text(Text::ID), "Whose it is.");
    let shown = NEW.clone().shown("A profile.", first);
    let shown = shown.must("created_at", Shape::Text(Text::TIME), "When it was made.");
    shown.must("updated_at", Shape::Text(Text::TIME), "When it was changed last.")
});

fn who(object: Object) -> Object {
    let object = object.must("name", Shape::Text(Text::line(1, 200)), "What it is called.");
    let object = object.must("role", Shape::Word(ROLES), "What the agent is there for.");
    let doc = "Instructions of an agent that thinks.";
    let object = object.must("system_prompt", Shape::Text(Text::lines(1, 32_000)), doc);
    let doc = "Whether calls to numbers without a profile get this one. Setting it unsets the tenant's other one.";
    let object = object.may("is_default", Shape::Flag, json!(false), doc);
    let doc = "The language of the texts, BCP 47: the voice that speaks them.";
    let object = object.may("language", Shape::Text(Text::LANGUAGE), json!("en-US"), doc);
    let doc = "Which kind of agent answers; script: greeting and touch-tone menu.";
    let object = object.may("agent_kind", Shape::Word(&["script"]), json!("script"), doc);
    let settings = Object::new("Settings of that kind of agent.");
    let settings = settings.field(Field {
        name: "silence_s",
        shape: Shape::Whole(2, 60),
        doc: "Seconds of silence until the caller is asked again.".to_owned(),
        required: false,
        default: None,
    });
    object.may("agent_settings", Shape::Object(settings), json!({}), "Settings of that kind of agent.")
}

fn spoken(object: Object) -> Object {
    let text = || Shape::Text(Text::lines(1, SPOKEN_CHARS_MAX));
    let doc = "What a caller hears first; null: the demo's welcome.";
    let object = object.may("greeting", text().or_null(), Value::Null, doc);
    let object =
        object.may("menu", menu_key().list(MENU_KEYS_MAX), json!([]), "The touch-tone menu; empty: the demo's.");
    let numbers = Shape::Text(Text::PHONE).list(TRANSFER_TARGETS_MAX);
    let object =
        object.may("transfer_allow", numbers, json!([]), "The only numbers that a call may be transferred to.");
    let emergency = Object::new("When a call must reach a person.");
    let words = Shape::Text(Text::line(1, 100)).list(KEYWORDS_MAX);
    let emergency = emergency.may("keywords", words, json!([]), "Words that make it an emergency.");
    let emergency = emergency.may("contact", Shape::Text(Text::PHONE).or_null(), Value::Null, "Whom to call then.");
    let object = object.may(
        "emergency",
        Shape::Object(emergency),
        json!({"keywords": [], "contact": null}),
        "When a call must reach a person.",
    );
    let object = object.may(
        "turn_taking",
        turn_taking(),
        turn_defaults(),
        "How turns are taken; what is left out has its default.",
    );
    object.may("consent_text", text().or_null(), Value::Null, "What callers are told before a recording begins.")
}

fn menu_key() -> Shape {
    let key = |word: &'static [&'static str]| {
        let object = Object::new("A key of the menu.");
        let object = object.must("digit", Shape::Text(Text::DIGIT), "The key; each once.");
        let doc = "What is said of it when the menu is offered.";
        let object = object.must("prompt", Shape::Text(Text::lines(1, SPOKEN_CHARS_MAX)), doc);
        object.must("do", Shape::Word(word), "What it does.")
    };
    let say = key(&["say"]).must("text", Shape::Text(Text::lines(1, SPOKEN_CHARS_MAX)), "What is said.");
    let transfer = key(&["transfer"]).must("to", Shape::Text(Text::PHONE), "Whom; one of transfer_allow.");
    Shape::Union("do", vec![say, transfer, key(&["repeat"]), key(&["echo"]), key(&["goodbye"])])
}

/// The engine's own parameters, with the engine's own bounds.
fn turn_taking() -> Shape {
    let defaults = turn_defaults();
    let object = TurnParams::BOUNDS.iter().fold(Object::new("How turns are taken."), |object, bounds| {
        #[allow(clippy::cast_possible_truncation, reason = "bounds are small whole numbers")]
        let whole = Shape::Whole(bounds.min as i64, bounds.max as i64);
        let shape = if bounds.whole { whole } else { Shape::Real(bounds.min, bounds.max) };
        object.may(bounds.name, shape, defaults[bounds.name].clone(), turn_doc(bounds.name))
    });
    Shape::Object(object)
}

fn turn_defaults() -> Value {
    serde_json::to_value(TurnParams::default()).unwrap_or_default()
}

fn turn_doc(name: &str) -> &'static str {
    match name {
        "onset_blocks" => "Voiced blocks of 10 ms in a row that begin a turn.",
        "early_ms" => "Milliseconds after we begin to speak in which an interruption needs more voice.",
        "early_onset_blocks" => "Blocks of 10 ms that it needs then.",
        "echo_margin_db" => "How much weaker than our own sound its echo is taken to be until it is measured, in dB.",
        "echo_window_ms" => "Milliseconds for which our own sound may come back as echo.",
        _ => "Milliseconds of silence that end a turn.",
    }
}

fn example() -> Value {
    json!({
        "name": "Reception",
        "role": "receptionist",
        "system_prompt": "You answer the phone of a dental practice.",
        "is_default": true,
        "greeting": "Welcome to Bright Smile Dental!",
        "transfer_allow": ["+15550001111"],
        "menu": [
            {"digit": "1", "prompt": "For opening hours, press 1.", "do": "say", "text": "We are open from 8 to 6."},
            {"digit": "0", "prompt": "For a person, press 0.", "do": "transfer", "to": "+15550001111"},
        ],
    })
}

/// What no single field can break: each digit once, and transfers only to where the profile allows.
pub(super) fn check_whole(profile: &Map<String, Value>, faults: &mut Faults) {
    let list = |name: &str| profile.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (menu, allowed) = (list("menu"), list("transfer_allow"));
    faults.within("menu", |faults| {
        for (at, key) in menu.iter().enumerate() {
            faults.within(&at.to_string(), |faults| {
                if menu[..at].iter().any(|other| key["digit"].is_string() && other["digit"] == key["digit"]) {
                    faults.of("digit", "duplicate", "is there already: each key does one thing");
                }
                if key["do"] == "transfer" && key["to"].is_string() && !allowed.contains(&key["to"]) {
                    faults.of("to", "not_in_transfer_allow", "is not in transfer_allow: list it there first");
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewProfile;

    fn check(value: &mut Value) -> Vec<(String, &'static str)> {
        let mut faults = Faults::default();
        Shape::Object(NEW.clone()).check(value, &mut faults);
        let found = faults.into_result().err().unwrap_or_default();
        found.into_iter().map(|fault| (fault.pointer.unwrap(), fault.code)).collect()
    }

    #[test]
    fn the_example_and_the_defaults_are_what_serde_reads() {
        let minimal = json!({"name": "a", "role": "custom", "system_prompt": "b"});
        for mut value in [example(), minimal] {
            assert_eq!(check(&mut value), []);
            let profile: NewProfile = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&profile).unwrap(), value);
        }
    }

    #[test]
    fn every_word_of_a_shape_is_one_of_the_model() {
        for role in ROLES {
            assert!(serde_json::from_value::<crate::model::AgentRole>(json!(role)).is_ok(), "{role}");
        }
    }

    #[test]
    fn a_menu_has_each_key_once_and_dials_only_what_is_allowed() {
        let mut value = example();
        value["menu"][0]["digit"] = json!("0");
        value["menu"][0]["do"] = json!("transfer");
        value["menu"][0]["to"] = json!("+15559999999");
        value["menu"][0].as_object_mut().unwrap().remove("text");
        value["name"] = json!("");
        let found = check(&mut value);
        let expected =
            [("/name", "too_short"), ("/menu/0/to", "not_in_transfer_allow"), ("/menu/1/digit", "duplicate")];
        assert_eq!(found, expected.map(|(at, code)| (at.to_owned(), code)));
    }
}
