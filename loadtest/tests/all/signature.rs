//! Our signatures are the ones that Twilio's own libraries publish in their tests.

use serde::Deserialize;

#[derive(Deserialize)]
struct Published {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    token: String,
    signed_url: String,
    params: Vec<(String, String)>,
    signature: String,
}

#[test]
fn every_published_vector_is_reproduced() {
    let published: Published = serde_json::from_str(include_str!("../data/signature_vectors.json")).unwrap();
    assert!(published.vectors.len() >= 10);
    for v in published.vectors {
        assert_eq!(loadtest::twilio::signature::sign(&v.token, &v.signed_url, &v.params), v.signature, "{}", v.id);
    }
}

#[test]
fn another_token_signs_differently() {
    let sign = |token| loadtest::twilio::signature::sign(token, "https://example.com/", &[]);
    assert_ne!(sign("12345"), sign("12346"));
}
