//! Pages of HTML that need nothing but themselves. All text is escaped where an element is made of it: there
//! is no other way to make one.

use std::fmt::{self, Write as _};

use quick_xml::escape::escape;

use crate::escape_control::escape_control;
use crate::failure::Failure;

/// A piece of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

/// Names and values of attributes; the names are ours.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Text of anybody's.
    pub fn text(text: &str) -> Self {
        Html(escaped(text))
    }

    /// An element with what stands in it.
    pub fn element(
        name: &'static str,
        attributes: Attributes<'_>,
        inner: impl IntoIterator<Item = Html>,
    ) -> Self {
        let mut html = opened(name, attributes);
        html.push('>');
        html.extend(inner.into_iter().map(|it| it.0));
        // Writing to memory does not fail.
        let _ = write!(html, "</{name}>");
        Html(html)
    }

    /// An element that holds nothing.
    pub fn void(name: &'static str, attributes: Attributes<'_>) -> Self {
        Html(opened(name, attributes) + "/>")
    }

    /// A link.
    pub fn link(href: &str, text: &str) -> Self {
        Html::element("a", &[("href", href)], [Html::text(text)])
    }

    /// An element of a class with a text.
    pub fn of_class(name: &'static str, class: &str, text: &str) -> Self {
        Html::element(name, &[("class", class)], [Html::text(text)])
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn opened(name: &'static str, attributes: Attributes<'_>) -> String {
    let attributes =
        attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)));
    format!("<{name}{}", attributes.collect::<String>())
}

/// Text that is nothing but text: in an element, and in quotes. Characters that turn the direction of writing
/// or that no document may hold are shown by their numbers.
fn escaped(text: &str) -> String {
    let visible = escape_control(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    escape(visible.as_str()).into_owned()
}

/// A whole document.
pub fn document(
    title: &str,
    head: impl IntoIterator<Item = Html>,
    body: impl IntoIterator<Item = Html>,
) -> String {
    let common = [
        Html::void("meta", &[("charset", "utf-8")]),
        Html::void(
            "meta",
            &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")],
        ),
        Html::void("meta", &[("name", "referrer"), ("content", "no-referrer")]),
        Html::element("title", &[], [Html::text(title)]),
    ];
    let head = Html::element("head", &[], common.into_iter().chain(head));
    let html = Html::element("html", &[("lang", "en")], [head, Html::element("body", &[], body)]);
    format!("<!DOCTYPE html>\n{}\n", html.0)
}

/// The style of every page of ours.
pub const STYLE: &str = include_str!("page.css");

/// The page. It loads nothing, runs nothing and sends nothing, whatever stands in it.
pub fn page(title: &str, body: impl IntoIterator<Item = Html>) -> String {
    alone(title, STYLE, body)
}

/// The same with a style of ours.
pub fn alone(title: &str, style: &str, body: impl IntoIterator<Item = Html>) -> String {
    const NOTHING_ELSE: &str =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    let head = [
        Html::void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", NOTHING_ELSE)]),
        Html(format!("<style>{style}</style>")),
    ];
    document(title, head, [Html::element("main", &[], body)])
}

/// What is left of a page where the command could not do its job.
pub fn failure(failure: &Failure) -> String {
    let hint = failure.hint.as_deref().map(|hint| Html::of_class("p", "help", hint));
    let said = [
        Html::element("h1", &[], [Html::text("pgtend: not done")]),
        Html::of_class("p", "message", &failure.to_string()),
    ];
    page("pgtend: not done", said.into_iter().chain(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn text_is_nothing_but_text() {
        let wild = "</p><script>'\"&\u{202e}\u{1b}[2J\n`\u{ffff}";
        let html = Html::element("p", &[("title", wild)], [Html::text(wild)]);
        assert!(!html.0.contains("<script"), "{}", html.0);
        let read = roxmltree::Document::parse(&html.0).unwrap();
        let shown = "</p><script>'\"&\\u{202e}\\u{1b}[2J\\n`\u{fffd}";
        assert_eq!(read.root_element().text(), Some(shown));
        assert_eq!(read.root_element().attribute("title"), Some(shown));
    }

    #[test]
    fn a_failure_is_a_page() {
        let failed = Failure::new(Kind::Connection, "no <host>").hint("a & b");
        let text = failure(&failed);
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let read = roxmltree::Document::parse_with_options(&text, options).unwrap();
        let has = |text: &str| read.descendants().any(|node| node.text() == Some(text));
        assert!(has("no <host>") && has("a & b"), "{text}");
        assert!(!text.contains("url(") && !text.contains("src="), "{text}");
    }
}
