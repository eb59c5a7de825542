//! What may stand inside what, with which attributes and values. What may not is left out, with Twilio's warning.

mod table;

use super::twiml::Element;
use super::warning::{Code, Warning};
use table::{RULES, SSML};

/// The longest text of a `<Say>`, in characters.
pub const MAX_SAY_CHARS: usize = 4_096;
/// Numbers and clients that one `<Dial>` rings at once, at most.
pub const MAX_PARALLEL: usize = 10;
/// Verbs behind which nothing of the document runs.
const FINAL: [&str; 5] = ["Redirect", "Hangup", "Reject", "Leave", "Refer"];
/// Verbs that go on with the answer to their action, when they have one.
const WITH_ACTION: [&str; 4] = ["Dial", "Connect", "Enqueue", "Pay"];

/// What a value must look like.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// Anything, or checked where it is used.
    Any,
    /// At most so many characters.
    Chars(usize),
    /// `true` or `false`.
    Bool,
    /// A whole number from, to.
    Whole(u64, u64),
    /// The same, or `auto`.
    WholeOrAuto(u64, u64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, with a space between.
    Words(&'static [&'static str]),
    /// One key, or none.
    Key,
    /// Any keys, or none.
    Keys,
    /// Keys, and `w` or `W` to wait.
    Tones,
    /// `GET` or `POST`.
    Method,
    /// A URL with host; the document does not help.
    Absolute,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
struct Attribute {
    name: &'static str,
    value: Value,
    /// What the debugger shows for another value.
    code: Code,
}

/// One element.
#[derive(Clone, Copy, Debug)]
struct Rule {
    name: &'static str,
    inside: &'static [&'static str],
    /// `None`: the element exists, but nothing inside it is checked.
    attributes: Option<&'static [Attribute]>,
}

/// The verbs of a document without what Twilio leaves out.
pub fn check(verbs: Vec<Element>, warnings: &mut Vec<Warning>) -> Vec<Element> {
    let verbs = check_children(verbs, "Response", warnings);
    note_unreachable(&verbs, warnings);
    verbs
}

fn check_children(children: Vec<Element>, parent: &str, warnings: &mut Vec<Warning>) -> Vec<Element> {
    let mut kept = Vec::new();
    for mut child in children {
        let Some(rule) = RULES.iter().find(|r| r.name == child.name && r.inside.contains(&parent)) else {
            warnings.push(misplaced(&child.name, parent));
            continue;
        };
        if let Some(attributes) = rule.attributes {
            check_attributes(&mut child, attributes, parent, warnings);
            child.children = if child.name == "Say" {
                check_ssml(child.children, warnings)
            } else {
                check_children(child.children, &child.name.clone(), warnings)
            };
        }
        if check_content(&mut child, warnings) {
            kept.push(child);
        }
    }
    kept
}

fn misplaced(name: &str, parent: &str) -> Warning {
    let code = match parent {
        "Gather" => Code::GatherNested,
        "Dial" => Code::DialNested,
        _ => Code::TwimlSchema,
    };
    let places: Vec<&str> = RULES.iter().filter(|r| r.name == name).flat_map(|r| r.inside.iter().copied()).collect();
    let text = if places.is_empty() {
        format!("<{name}> is no TwiML (upper and lower case matter): left out")
    } else {
        format!("<{name}> does not belong in <{parent}>, only in <{}>: left out", places.join(">, <"))
    };
    Warning::new(code, text)
}

/// Takes away what Twilio ignores: unknown attributes, and values that it does not take; then the default holds.
fn check_attributes(element: &mut Element, known: &[Attribute], parent: &str, warnings: &mut Vec<Warning>) {
    let name = element.name.clone();
    element.attributes.retain(|(written, value)| {
        let Some(attribute) = known.iter().find(|attribute| attribute.name == written) else {
            let text = format!("<{name}> has no attribute {written:?}: ignored");
            warnings.push(Warning::new(Code::TwimlSchema, text));
            return false;
        };
        let Some(wanted) = attribute.value.wanted(value) else { return true };
        let code = match (name.as_str(), parent, attribute.code) {
            ("Say", "Gather", Code::SayLoop) => Code::GatherSayLoop,
            (_, _, code) => code,
        };
        warnings.push(Warning::new(code, format!("<{name}> {written}={value:?}: {wanted}; the default is taken")));
        false
    });
}

fn check_ssml(children: Vec<Element>, warnings: &mut Vec<Warning>) -> Vec<Element> {
    children
        .into_iter()
        .filter_map(|mut child| {
            let Some((_, attributes)) = SSML.iter().find(|(name, _)| *name == child.name) else {
                let text = format!("<{}> in <Say> is no SSML that Twilio speaks: left out", child.name);
                warnings.push(Warning::new(Code::TwimlSchema, text));
                return None;
            };
            for (name, _) in child.attributes.iter().filter(|(name, _)| !attributes.contains(&name.as_str())) {
                let text = format!("<{}> in <Say> has no attribute {name:?}: ignored", child.name);
                warnings.push(Warning::new(Code::TwimlSchema, text));
            }
            child.children = check_ssml(child.children, warnings);
            Some(child)
        })
        .collect()
}

/// What an element must hold; false when it is left out.
fn check_content(element: &mut Element, warnings: &mut Vec<Warning>) -> bool {
    let mut refuse = |code, text: String| {
        warnings.push(Warning::new(code, text));
        false
    };
    let empty = element.text.is_empty();
    match element.name.as_str() {
        "Say" if empty => refuse(Code::SayText, "<Say> has no text: left out".into()),
        "Say" if element.text.chars().count() > MAX_SAY_CHARS => {
            refuse(Code::SayTooLong, format!("<Say> has more than {MAX_SAY_CHARS} characters: left out"))
        }
        "Play" if empty && element.attribute("digits").is_none() => {
            refuse(Code::TwimlSchema, "<Play> has neither a URL nor digits: left out".into())
        }
        "Dial" if empty && element.children.is_empty() && element.attribute("number").is_none() => {
            refuse(Code::DialNested, "<Dial> has nobody to call: left out".into())
        }
        "Dial" if element.children.len() > MAX_PARALLEL => {
            let text = format!("<Dial> has more than {MAX_PARALLEL} nouns: the rest is left out");
            element.children.truncate(MAX_PARALLEL);
            warnings.push(Warning::new(Code::TwimlSchema, text));
            true
        }
        "Connect" if element.children.len() > 1 => {
            let (first, rest) = (&element.children[0].name, element.children.len() - 1);
            let text = format!("<Connect> holds one noun; {rest} behind <{first}> left out (one stream a call)");
            element.children.truncate(1);
            warnings.push(Warning::new(Code::TwimlSchema, text));
            true
        }
        _ => true,
    }
}

/// Twilio stays silent about verbs that can never run; we do not.
fn note_unreachable(verbs: &[Element], warnings: &mut Vec<Warning>) {
    let ends = |verb: &&Element| {
        let acts = WITH_ACTION.contains(&verb.name.as_str()) && verb.attribute("action").is_some();
        FINAL.contains(&verb.name.as_str()) || acts
    };
    if let Some(index) = verbs.iter().position(|verb| ends(&verb))
        && let Some(next) = verbs.get(index + 1)
    {
        let text = format!("<{}> behind <{}> is never reached", next.name, verbs[index].name);
        warnings.push(Warning::new(Code::Silent, text));
    }
    if let Some(index) = verbs.iter().position(|verb| verb.name == "Record")
        && let Some(next) = verbs.get(index + 1)
    {
        let text = format!("<{}> behind <Record> is only reached when nothing was recorded", next.name);
        warnings.push(Warning::new(Code::Silent, text));
    }
    if verbs.iter().skip(1).any(|verb| verb.name == "Reject") {
        let text = "<Reject> is not the first verb: the call is answered, and paid for, before it is rejected";
        warnings.push(Warning::new(Code::Silent, text));
    }
}

impl Value {
    /// What would be right, when `value` is not.
    fn wanted(self, value: &str) -> Option<String> {
        let whole = |from, to| value.trim().parse::<u64>().is_ok_and(|n| (from..=to).contains(&n));
        let keys = |also: &str| value.chars().all(|c| c.is_ascii_digit() || "*#".contains(c) || also.contains(c));
        let (good, wanted) = match self {
            Self::Any => return None,
            Self::Chars(most) => (value.chars().count() <= most, format!("at most {most} characters")),
            Self::Bool => (matches!(value, "true" | "false"), "true or false".into()),
            Self::Whole(from, to) => (whole(from, to), format!("a whole number from {from} to {to}")),
            Self::WholeOrAuto(from, to) => {
                (value == "auto" || whole(from, to), format!("auto, or a whole number from {from} to {to}"))
            }
            Self::OneOf(words) => (words.contains(&value), format!("one of {}", words.join(", "))),
            Self::Words(words) => {
                let good = value.split_whitespace().all(|word| words.contains(&word));
                (good, format!("some of {}, with spaces between", words.join(", ")))
            }
            Self::Key => (value.chars().count() <= 1 && keys(""), "one of 0-9, *, #, or nothing".into()),
            Self::Keys => (keys(""), "only 0-9, * and #".into()),
            Self::Tones => (keys("wW"), "only 0-9, *, # and w".into()),
            Self::Method => (["GET", "POST"].iter().any(|m| value.eq_ignore_ascii_case(m)), "GET or POST".into()),
            Self::Absolute => (super::url::Url::parse(value).is_ok(), "an absolute http:// or https:// URL".into()),
        };
        (!good).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::twiml::parse;

    fn codes(inner: &str) -> Vec<u32> {
        let (_, warnings) = parse(&format!("<Response>{inner}</Response>")).unwrap();
        warnings.iter().map(|warning| warning.code.number()).collect()
    }

    #[test]
    fn every_attribute_that_a_helper_library_writes_passes() {
        for good in [
            "<Gather input=\"dtmf speech\" timeout=\"3\" speechTimeout=\"auto\" finishOnKey=\"\" hints=\"a, b\"/>",
            "<Record maxLength=\"20\" finishOnKey=\"*#\" playBeep=\"false\" trim=\"do-not-trim\" timeout=\"0\"/>",
            "<Dial record=\"record-from-answer-dual\" timeLimit=\"60\"><Client><Identity>a</Identity></Client></Dial>",
            "<Start><Transcription partialResults=\"true\" track=\"both_tracks\"/></Start><Pause/>",
            "<Say voice=\"alice\">a<break time=\"1s\"/><say-as interpret-as=\"digits\">1</say-as></Say>",
            "<Dial><Number statusCallbackEvent=\"initiated answered\">+14155550123</Number></Dial>",
        ] {
            assert_eq!(codes(good), [0; 0], "{good}");
        }
    }

    #[test]
    fn values_out_of_range_have_twilios_own_numbers() {
        for (bad, code) in [
            ("<Gather input=\"voice\"/>", 12_200),
            ("<Gather timeout=\"soon\"/>", 13_313),
            ("<Gather numDigits=\"0\"/>", 13_314),
            ("<Gather finishOnKey=\"12\"/>", 13_310),
            ("<Gather method=\"PUT\"/>", 13_312),
            ("<Gather><Record/></Gather>", 13_320),
            ("<Gather><Say loop=\"x\">a</Say></Gather>", 13_322),
            ("<Record maxLength=\"0\"/>", 13_612),
            ("<Record timeout=\"-1\"/>", 13_611),
            ("<Record playBeep=\"yes\"/>", 13_616),
            ("<Dial record=\"always\">1234567</Dial>", 13_217),
            ("<Dial timeout=\"601\">1234567</Dial>", 13_212),
            ("<Dial hangupOnStar=\"1\">1234567</Dial>", 13_213),
            ("<Dial timeLimit=\"x\">1234567</Dial>", 13_216),
            ("<Dial><Say>a</Say></Dial>", 13_215),
            ("<Pause length=\"-1\"/>", 13_910),
            ("<Play loop=\"-1\">/a</Play>", 13_410),
            ("<Say loop=\"no\">a</Say>", 13_510),
            ("<Say/>", 13_520),
            ("<Redirect method=\"HEAD\">/a</Redirect>", 13_710),
            ("<Enqueue method=\"HEAD\">a</Enqueue>", 14_201),
            ("<Connect><Stream url=\"/a\" statusCallback=\"/b\"/></Connect>", 12_200),
            ("<Say><audio/>a</Say>", 12_200),
        ] {
            assert_eq!(codes(bad).first(), Some(&code), "{bad}");
        }
    }

    #[test]
    fn what_is_left_out_is_really_out() {
        let (verbs, _) = parse(
            "<Response><Gather timeout=\"x\" numDigits=\"4\"/><Connect><Stream url=\"/a\"/><Stream url=\"/b\"/></Connect>\
             </Response>",
        )
        .unwrap();
        assert_eq!(verbs[0].attributes, [("numDigits".to_owned(), "4".to_owned())]);
        assert_eq!(verbs[1].children.len(), 1);
        let long = format!("<Response><Say>{}</Say></Response>", "a".repeat(MAX_SAY_CHARS + 1));
        let (verbs, warnings) = parse(&long).unwrap();
        assert_eq!((verbs.len(), warnings[0].code), (0, Code::SayTooLong));
    }

    #[test]
    fn verbs_that_never_run_are_noted() {
        let note = |inner: &str| parse(&format!("<Response>{inner}</Response>")).unwrap().1.pop().map(|w| w.text);
        assert!(note("<Hangup/><Say>a</Say>").unwrap().contains("<Say> behind <Hangup> is never reached"));
        assert!(note("<Dial action=\"/a\">1234567</Dial><Hangup/>").unwrap().contains("never reached"));
        assert!(note("<Record/><Say>a</Say>").unwrap().contains("only reached when nothing was recorded"));
        assert_eq!(note("<Dial>1234567</Dial><Hangup/>"), None);
    }
}
