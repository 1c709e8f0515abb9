//! The title of an HTML page: enough to know an error page by, not to show it.

/// The longest title, in bytes.
const LONGEST: usize = 1_000;

/// The title of a page; what else stands on it may be anything.
pub(super) fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.trim();
    (1..=LONGEST).contains(&title.len()).then(|| decode(title))
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
    .fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_is_known_by_its_title_alone() {
        let long = format!("<title>{}</title>", "a".repeat(LONGEST + 1));
        for (page, text) in [
            ("<html><head><title>502 Bad Gateway</title></head>", Some("502 Bad Gateway")),
            ("<HTML><TITLE lang=en>\n Not &amp; Found </TITLE>", Some("Not & Found")),
            ("<title></title><h1>Sorry</h1><p>No &lt;b&gt;", None),
            ("<fault><code>7</code><string>Denied</string></fault>", None),
            ("<token>abc</token>", None),
            ("<", None),
            ("<title>ünclosed", None),
            ("<title>&amp;lt;</title>", Some("&lt;")),
            (&long, None),
        ] {
            assert_eq!(title(page).as_deref(), text, "{page}");
        }
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in "(<|>|</|title|script|style|İ|ẞ|&lt;|[ -~]|\\PC){0,40}") {
            title(&page);
        }
    }
}
