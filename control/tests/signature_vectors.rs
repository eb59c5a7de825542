//! The signature check against the vectors that Twilio's own helper libraries are tested with.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use control::twilio::signature::{Algorithm, Request, Signed, verify};
use secrecy::SecretString;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("fixtures/twilio-signature-vectors.json")).expect("the fixture is JSON")
}

fn pairs(params: &Value) -> Vec<(String, String)> {
    let pair = |p: &Value| (p[0].as_str().unwrap().to_owned(), p[1].as_str().unwrap().to_owned());
    params.as_array().unwrap().iter().map(pair).collect()
}

fn check(vector: &Value, url: &str, params: &[(String, String)]) -> bool {
    let token = SecretString::from(vector["token"].as_str().unwrap());
    let signed = match vector["kind"].as_str() {
        Some("json") => Signed::Body(vector["body"].as_str().unwrap().as_bytes()),
        _ => Signed::Form(params),
    };
    let algorithm = match vector["algorithm"].as_str() {
        Some("HMAC_SHA256") => Algorithm::HmacSha256,
        _ => Algorithm::HmacSha1,
    };
    let signature = vector["signature"].as_str().unwrap().as_bytes();
    verify([&token], algorithm, &Request { url, signed, signature })
}

#[test]
fn every_published_vector_is_judged_as_published() {
    let all = vectors();
    let all = all["vectors"].as_array().unwrap();
    assert!(all.len() >= 20, "the fixture is whole");
    for vector in all {
        let url = vector["request_url"].as_str().unwrap();
        let valid = check(vector, url, &pairs(&vector["params"]));
        assert_eq!(valid, vector["valid"].as_bool().unwrap(), "{}", vector["id"]);
    }
}

#[test]
fn every_valid_vector_holds_in_any_order_and_breaks_with_any_change() {
    let all = vectors();
    for vector in all["vectors"].as_array().unwrap().iter().filter(|v| v["valid"] == true) {
        let url = vector["request_url"].as_str().unwrap();
        let mut params = pairs(&vector["params"]);
        params.reverse();
        assert!(check(vector, url, &params), "{} reversed", vector["id"]);
        assert!(!check(vector, &format!("{url}x"), &params), "{} with another URL", vector["id"]);
        if vector["kind"] == "form" {
            params.push(("Added".into(), "1".into()));
            assert!(!check(vector, url, &params), "{} with a parameter more", vector["id"]);
        }
    }
}

#[test]
fn derived_vectors_of_sockets_and_sha256_hold() {
    let all = vectors();
    for vector in all["derived"].as_array().unwrap() {
        let url = vector["signed_url"].as_str().unwrap();
        assert!(check(vector, url, &pairs(&vector["params"])), "{}", vector["id"]);
    }
}

#[test]
fn a_socket_is_known_by_any_spelling_of_its_url() {
    let all = vectors();
    for vector in all["derived"].as_array().unwrap() {
        if vector["signed_url"].as_str().unwrap().starts_with("wss://") {
            assert!(check(vector, "wss://voice.example.com/media", &[]), "{}", vector["id"]);
        }
    }
}
