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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_foreign_letters_are_escaped() {
        let fields = [("From".into(), "+1415 é&=".into()), ("Empty".into(), String::new())];
        assert_eq!(encode(&fields), "From=%2B1415+%C3%A9%26%3D&Empty=");
    }
}
