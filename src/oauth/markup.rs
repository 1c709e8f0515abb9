//! The readable text of an HTML or XML page: enough to know an error page by, not to show it.

/// The title of a page, or else its first readable text.
pub(super) fn gist(page: &str) -> Option<String> {
    title(page)
        .or_else(|| first_text(page))
        .map(|text| decode(&text))
}

fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// The texts between the tags, joined; what scripts and styles hold is no text.
fn first_text(page: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        push(&mut text, before);
        let name = tag_name(after);
        rest = match name.as_str() {
            "script" | "style" => after_end(after, &name),
            _ => after.split_once('>').map_or("", |(_, rest)| rest),
        };
    }
    push(&mut text, rest);
    (!text.is_empty()).then_some(text)
}

fn push(text: &mut String, piece: &str) {
    let piece = piece.trim();
    if piece.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(piece);
}

fn tag_name(after: &str) -> String {
    let letters = after.chars().take_while(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// What follows the end tag of `name`.
fn after_end<'a>(text: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let Some(start) = text.to_ascii_lowercase().find(&end) else {
        return "";
    };
    let rest = text.get(start..).unwrap_or_default();
    rest.split_once('>').map_or("", |(_, rest)| rest)
}

/// Resolves the references that error pages use; `&amp;` last, so that nothing is resolved twice.
fn decode(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (reference, character)| {
        text.replace(reference, character)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_is_known_by_its_title_or_first_text() {
        for (page, text) in [
            (
                "<html><head><title>502 Bad Gateway</title></head>",
                Some("502 Bad Gateway"),
            ),
            (
                "<HTML><TITLE lang=en>\n Not &amp; Found </TITLE>",
                Some("Not & Found"),
            ),
            (
                "<title></title><h1>Sorry</h1><p>No &lt;b&gt;",
                Some("Sorry No <b>"),
            ),
            (
                "<script>var a = '<p>';</script><style>p{}</style><p>Hi</p>",
                Some("Hi"),
            ),
            (
                "<fault><code>7</code><string>Denied</string></fault>",
                Some("7 Denied"),
            ),
            ("<script>never ends", None),
            ("<", None),
            ("<title>ünclosed", Some("ünclosed")),
            ("<p>&amp;lt;</p>", Some("&lt;")),
        ] {
            assert_eq!(gist(page).as_deref(), text, "{page}");
        }
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in "(<|>|</|title|script|style|İ|ẞ|&lt;|[ -~]|\\PC){0,40}") {
            gist(&page);
        }
    }
}
