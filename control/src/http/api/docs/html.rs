//! Text as HTML: escaped, with the few marks that descriptions use.

/// For text and for attributes in double quotes.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// One paragraph: `code` and **strong**.
pub(super) fn prose(text: &str) -> String {
    let code = |(at, part): (usize, &str)| match at % 2 {
        0 => strong(&escape(part)),
        _ => format!("<code>{}</code>", escape(part)),
    };
    text.split('`').enumerate().map(code).collect()
}

fn strong(escaped: &str) -> String {
    let part = |(at, part): (usize, &str)| match at % 2 {
        0 => part.to_owned(),
        _ => format!("<strong>{part}</strong>"),
    };
    escaped.split("**").enumerate().map(part).collect()
}

/// Paragraphs with empty lines between.
pub(super) fn paragraphs(text: &str) -> String {
    text.split("\n\n").filter(|text| !text.is_empty()).map(|text| format!("<p>{}</p>", prose(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_the_rest_is_escaped() {
        assert_eq!(prose("**Now** `a<b` & c"), "<strong>Now</strong> <code>a&lt;b</code> &amp; c");
        assert_eq!(paragraphs("a\n\nb"), "<p>a</p><p>b</p>");
    }
}
