//! The page of a made-up search: it is read back, and everything that was put in is found in it.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::fleet::diary::Entry;
use crate::fleet::measures::Counts;
use crate::fleet::spread::Spread;
use crate::fleet::worst::Bad;
use crate::report::fleet::{Settings, Taken};
use crate::time::Micros;

/// A server whose reactions take longer, the more calls it has.
fn plateau(calls: usize, begins_s: f64, budgets: &Budgets) -> Plateau {
    let mut measures = Measures::new(0);
    for n in 0..1_000 {
        measures.clear.add(Micros(40_000 + n * 60 + calls as u64 * 20));
        measures.first_audio.add(Micros(900 + n));
        measures.lateness.add(Micros(n / 4));
        measures.share.add(Micros(1_000 + n));
    }
    let taken = Taken { cpu_ms_per_call_second: 0.417, rss_kib_per_call: 39.4, ..Taken::default() };
    let figures = Figures {
        settings: Settings { calls, seed: 4_711, ..Settings::default() },
        seconds: 10.0,
        call_seconds: calls as f64 * 10.0,
        clear: measures.clear.figures(),
        first_audio: measures.first_audio.figures(),
        share: measures.share.figures(),
        own_lateness: measures.lateness.figures(),
        counts: Counts { frames: calls as u64 * 500, interruptions: 1_234, ..Counts::default() },
        lost: BTreeMap::from([("the server closed the stream with code 1013".to_owned(), 0)]),
        server: Some(Taken { threads: BTreeMap::from([("worker".to_owned(), 0.148)]), ..taken }),
        ..Figures::default()
    };
    let checked = budget::check(budgets, &Measured::from(&figures));
    let seconds = (1..12_u32).map(|second| Second {
        at_s: f64::from(second),
        calls: calls.min(100 * second as usize),
        clear_p95_ms: 100.0,
        core_percent: Some(41.0),
        ..Second::default()
    });
    let entries = vec![
        Entry::Bot { from: Micros::from_ms(2_000), to: Micros::from_ms(5_160) },
        Entry::Caller { from: Micros::from_ms(5_000), to: Micros::from_ms(6_000) },
        Entry::Clear { at: Micros::from_ms(5_160), took: Some(Micros::from_ms(160)), provoked: true },
    ];
    let story = Story {
        call: "CA0123".into(),
        bad: Bad::Late(Micros::from_ms(160)),
        at: Micros::from_ms(5_160),
        started: Micros::from_ms(1_000),
        entries,
    };
    Plateau {
        calls,
        is_proof: false,
        begins_s,
        verdict: budget::verdict(&checked, false),
        budgets: checked,
        figures,
        seconds: seconds.collect(),
        histograms: Histograms::from(&measures),
        worst: vec![story],
    }
}

fn report() -> Report {
    let budgets = Budgets {
        clear_p95_ms: Some(150.0),
        clear_p99_ms: Some(160.0),
        lost_percent: Some(0.0),
        memory_kib: Some(64.0),
        ..Budgets::default()
    };
    let mut plateaus: Vec<Plateau> =
        [(1_000, 0.0), (2_000, 20.0), (4_000, 50.0)].map(|(calls, at)| plateau(calls, at, &budgets)).into();
    plateaus.push(Plateau { is_proof: true, ..plateau(2_000, 90.0, &budgets) });
    let other = |name: &str| Aside {
        name: name.into(),
        about: "A=1 server <x>".into(),
        plateau: plateau(1_000, 0.0, &budgets),
    };
    let machine = Machine {
        cores: 2,
        cpu: "Some <fast> CPU".into(),
        commit: Some("ef5fcbd".into()),
        command: "capacity --serve 'a & b'".into(),
        ..Machine::default()
    };
    let server = Server {
        name: "<script src='https://example.com/x.js'>".into(),
        version: Some("1.2.3".into()),
        url: "the usual place".into(),
        core: Some(1),
        ..Server::default()
    };
    Report::new(Parts {
        found: Found { held: 2_000, missed: Some(4_000), void_at: None },
        server,
        machine,
        ended_unix_s: 1_795_000_000,
        budgets,
        plateaus,
        scenes: vec![other("bursts")],
        features: Some(Features {
            plain: [plateau(500, 0.0, &budgets), plateau(500, 0.0, &budgets)],
            each: vec![other("capture")],
        }),
        calls_min: 1,
    })
}

/// Tags in order, attributes, and all text, as a reader of XML finds them. Broken nesting is an error there.
fn read_back(page: &str) -> (Vec<String>, Vec<(String, String)>, String) {
    let (_, page) = page.split_once('\n').unwrap();
    let mut reader = Reader::from_str(page);
    let (mut tags, mut attributes, mut text) = (Vec::new(), Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                tags.push(start.name().as_ref().to_owned());
                for attribute in start.attributes().map(Result::unwrap) {
                    attributes.push((attribute.key.as_ref().to_owned(), attribute.value.to_string()));
                }
            }
            Event::Text(words) => text.push_str(&words),
            Event::GeneralRef(name) => text.push_str(&format!("&{};", &*name)),
            Event::Eof => return (tags, attributes, text),
            _ => {}
        }
    }
}

#[test]
fn the_sentence_has_the_answer_and_what_limits_it() {
    let report = report();
    assert_eq!(
        report.says,
        "This machine holds 2,000 calls per core within budget (server <script src='https://example.com/x.js'>, version \
         1.2.3, commit ef5fcbd), 4,000 at most; the limiting budget was barge-in p95 177 > 150 ms."
    );
    assert_eq!((report.missed.len(), report.carried), (0, 4_000));
}

#[test]
fn the_page_is_well_formed_complete_and_loads_nothing() {
    let report = report();
    let page = report.html();
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    let (tags, attributes, text) = read_back(&page);
    let count = |tag: &str| tags.iter().filter(|other| *other == tag).count();
    for forbidden in ["script", "link", "img", "iframe", "object", "a", "use", "image", "base"] {
        assert_eq!(count(forbidden), 0, "{forbidden}");
    }
    for (name, value) in &attributes {
        assert!(!name.starts_with("on") && !["src", "href", "style"].contains(&name.as_str()), "{name}");
        assert!(!value.contains("://") || name == "aria-label", "{name}={value}");
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
    // Three over time, two over calls, four histograms, one story.
    assert_eq!(count("svg"), 10);
    assert_eq!(attributes.iter().filter(|(name, _)| name == "role").filter(|(_, v)| v == "img").count(), 10);
    assert!(attributes.iter().filter(|(name, _)| name == "aria-label").all(|(_, value)| !value.is_empty()));
    for part in [
        "This machine holds 2,000 calls per core",
        "ef5fcbd",
        "1.2.3",
        "Some &lt;fast&gt; CPU",
        "a &amp; b",
        "barge-in p95",
        "✗ 177",
        "✓ 137",
        "memory per call",
        "0.417",
        "39.4 KiB",
        "worker",
        "4711",
        "CA0123",
        "clear, 160.0 ms",
        "bursts",
        "capture",
        "A=1 server &lt;x&gt;",
        "1,234",
        "held, proved",
        "Nov 2026",
    ] {
        assert!(text.contains(part), "{part} is not on the page");
    }
}

#[test]
fn nothing_that_was_measured_is_no_failure_of_the_page() {
    let empty = Report::new(Parts {
        found: Found { held: 0, missed: Some(1), void_at: None },
        server: Server::default(),
        machine: Machine::default(),
        ended_unix_s: 0,
        budgets: Budgets::default(),
        plateaus: Vec::new(),
        scenes: Vec::new(),
        features: None,
        calls_min: 1,
    });
    assert!(read_back(&empty.html()).2.contains("holds no call within budget"));
    assert_eq!(empty.missed.len(), 1);
}

#[test]
fn programs_get_all_of_it() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["found"]["held"], 2_000);
    assert_eq!(json["plateaus"][2]["verdict"]["missed"]["gross"], false);
    assert_eq!(json["plateaus"][3]["figures"]["clear"]["count"], 1_000);
    let counts = json["plateaus"][3]["histograms"]["clear"]["counts"].as_array().unwrap();
    assert!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>() >= 990);
    assert_eq!(json["plateaus"][0]["worst"][0]["entries"][2]["what"], "clear");
    assert_eq!(json["features"]["each"][0]["name"], "capture");
    let mut spread = Spread::default();
    spread.add(Micros::from_ms(1));
    assert_eq!(spread.bins().counts.iter().sum::<u64>(), 1);
}
