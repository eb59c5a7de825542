//! `application/x-www-form-urlencoded`, as webhooks carry their fields.

use std::fmt::Write as _;

/// The fields of one request, in order.
pub type Fields = Vec<(String, String)>;

/// The body of a POST, or the query of a GET.
#[must_use]
pub fn encode(fields: &[(String, String)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        push(&mut body, name);
        body.push('=');
        push(&mut body, value);
    }
    body
}

fn push(body: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => body.push(char::from(byte)),
            b' ' => body.push('+'),
            // Writing to a String cannot fail.
            _ => write!(body, "%{byte:02X}").unwrap_or_default(),
        }
    }
}

/// The fields of a form or a query. What is no escape is taken as written; what is no UTF-8 is replaced.
#[must_use]
pub fn decode(text: &str) -> Fields {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (plain(n), plain(v))).collect()
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, escaped(tail)) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits name.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|&b| char::from(b).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded_and_nothing_breaks_it() {
        let fields: Fields = vec![("From".into(), "+1415 é&=%".into()), ("Empty".into(), String::new())];
        assert_eq!(decode(&encode(&fields)), fields);
        assert_eq!(decode("&a&b=%zz%4&=c"), decode("a=&b=%25zz%254&=c"));
    }

    #[test]
    fn reserved_and_foreign_letters_are_escaped() {
        let fields = [("From".into(), "+1415 é&=".into()), ("Empty".into(), String::new())];
        assert_eq!(encode(&fields), "From=%2B1415+%C3%A9%26%3D&Empty=");
    }
}
