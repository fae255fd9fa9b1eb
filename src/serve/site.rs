//! The site: its targets, and what its addresses look like.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::answer::{Answer, Caching, Kept, Kind};
use super::assets::{SCRIPT, STYLE};
use super::events::RETRY_SECONDS;
use super::hosts::Hosts;
use super::listing::PAGES;
use super::query::Query;
use super::roster::Targets;
use super::target::{Target, slug};
use super::token::Token;
use crate::output::html::{self, Attributes, Html, document};

/// What all requests share.
#[derive(Debug)]
pub struct Site {
    pub targets: watch::Sender<Targets>,
    pub hosts: Hosts,
    /// `None`: everybody is let in.
    pub token: Option<Token>,
    pub prefix: Prefix,
    /// The number of the last change.
    pub changes: watch::Sender<u64>,
    /// Whether it is over.
    pub end: watch::Sender<bool>,
    /// Streams of events that there is room for.
    pub streams: Arc<Semaphore>,
    pub kept: Kept,
    pub form: Form,
}

/// What the pages are: each has an address, or all are in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Served,
    File,
}

/// What stands before every path, where a proxy serves other things, too: nothing, or `/pgtend`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// # Errors
    /// Says how one is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches('/');
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~/".contains(&it);
        let is_path = text.is_empty() || text.starts_with('/') && !text.contains("//");
        let goes_up = text.split('/').any(|segment| matches!(segment, "." | ".."));
        match is_path && !goes_up && text.bytes().all(is_plain) {
            true => Ok(Prefix(text.to_owned())),
            false => Err("expected a path such as /pgtend".to_owned()),
        }
    }

    pub fn path(&self) -> &str {
        &self.0
    }
}

/// Where a page stands among the others.
pub struct Place<'a> {
    pub title: String,
    /// The target, where it is a page of one.
    pub target: Option<&'a Target>,
    /// The page as the addresses call it: `statements`.
    pub page: &'a str,
    /// The sections whose changes are shown at once.
    pub sections: &'a [&'static str],
}

impl Site {
    /// The targets of this moment.
    pub fn targets(&self) -> Targets {
        Arc::clone(&self.targets.borrow())
    }

    /// The target that an address names: with its name, or with that as addresses have it.
    pub fn target(&self, segment: &str) -> Option<Arc<Target>> {
        let targets = self.targets();
        let is_it = |it: &&Arc<Target>| it.slug == segment || slug(segment) == it.slug;
        targets.iter().find(is_it).map(Arc::clone)
    }

    /// The address of a page of this site: its place, where all are in one file.
    pub fn path(&self, path: &str) -> String {
        match self.form {
            Form::Served => format!("{}{path}", self.prefix.path()),
            Form::File => format!("#{path}"),
        }
    }

    /// The address of a page of a target.
    pub fn of_target(&self, target: &Target, page: &str) -> String {
        self.path(&format!("/t/{}/{page}", target.slug))
    }

    /// The address of a part of a list of a target; where all are in one file, of the whole.
    pub fn of_list(&self, target: &Target, page: &str, query: &Query) -> String {
        let list = self.of_target(target, page);
        match self.form {
            Form::Served => with_query(&list, query),
            Form::File => list,
        }
    }

    /// The whole page, with the way to the others.
    pub fn page(&self, place: &Place<'_>, body: impl IntoIterator<Item = Html>) -> String {
        let style = self.path(&STYLE.path());
        let script = self.path(&SCRIPT.path());
        let head = [
            Html::void("link", &[("rel", "stylesheet"), ("href", &style)]),
            // Else browsers ask for /favicon.ico, and complain that there is none.
            Html::void("link", &[("rel", "icon"), ("href", "data:,")]),
            Html::element("script", &[("src", &script), ("defer", "defer")], []),
        ];
        // Where no script renews the page.
        let is_live = place.target.is_some() && place.sections.contains(&"activity");
        let refresh = is_live.then(|| {
            let again = Html::void("meta", &[("http-equiv", "refresh"), ("content", "10")]);
            Html::element("noscript", &[], [again])
        });
        let events = self.events(place);
        let sections = place.sections.join(" ");
        let live: Attributes<'_> = &[("data-events", &events), ("data-sections", &sections)];
        let attributes = if place.sections.is_empty() { &[] } else { live };
        let main = Html::element("main", attributes, body);
        let title = format!("{} · pgtend", place.title);
        document(&title, head.into_iter().chain(refresh), [self.header(place), main])
    }

    /// What cannot be had, in the form that fits what was asked for.
    pub fn failed(&self, path: &str, status: StatusCode, message: &str) -> Answer {
        if path.ends_with(".json") || path.ends_with("/events") || path.ends_with("/metrics") {
            return Answer::error(status, message);
        }
        let title = status.canonical_reason().unwrap_or("Not possible").to_owned();
        let place = Place { title: title.clone(), target: None, page: "", sections: &[] };
        let body = [
            Html::element("h1", &[], [Html::text(&title)]),
            Html::element("p", &[], [Html::text(message)]),
        ];
        Answer::new(Kind::Page, Caching::NoStore, self.page(&place, body)).status(status)
    }

    /// Room for one more stream of events, or when to come again.
    pub fn stream(&self) -> Result<OwnedSemaphorePermit, Answer> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let why = "too many streams of events are open";
            Answer::error(StatusCode::SERVICE_UNAVAILABLE, why)
                .header(header::RETRY_AFTER, RETRY_SECONDS.to_string())
        })
    }

    /// The secret was right: from here on the cookie says so.
    pub fn entered(&self, token: &Token) -> Answer {
        let home = self.path("/");
        Answer::new(Kind::Plain, Caching::NoStore, "")
            .status(StatusCode::SEE_OTHER)
            .header(header::SET_COOKIE, token.cookie(&home))
            .header(header::LOCATION, home)
    }

    /// For who is not let in.
    pub fn how_to_enter(&self) -> String {
        let home = self.path("/");
        format!(
            "A token is needed: open {home}?token=TOKEN once, or send Authorization: Bearer TOKEN."
        )
    }

    /// Where the page hears of changes. That somebody looks at what runs makes pgtend look more often.
    fn events(&self, place: &Place<'_>) -> String {
        match place.target {
            None => self.path("/events"),
            Some(target) if place.sections.contains(&"activity") => {
                self.of_target(target, "events?live=activity")
            }
            Some(target) => self.of_target(target, "events"),
        }
    }

    /// All pages, one below the other, as one file that needs nothing else.
    pub fn file(
        &self,
        pages: impl IntoIterator<Item = (String, Vec<Html>)>,
        as_of: &str,
    ) -> String {
        let title = format!("pgtend, {as_of}");
        let targets = self.targets();
        let toc = targets.iter().map(|target| {
            let name = Html::element("b", &[], [Html::text(&target.name), Html::text(" ")]);
            let links = PAGES.iter().flat_map(|page| {
                [Html::link(&self.of_target(target, page.address()), page.words), Html::text(" ")]
            });
            Html::element("p", &[], [name].into_iter().chain(links))
        });
        let toc = Html::element("nav", &[("aria-label", "Pages")], toc);
        let sections = pages
            .into_iter()
            .map(|(path, body)| Html::element("section", &[("id", &path)], body));
        let head = Html::element("h1", &[], [Html::text(&title)]);
        html::alone(&title, &STYLE.text, [head, toc].into_iter().chain(sections))
    }

    fn header(&self, place: &Place<'_>) -> Html {
        let home = Html::link(&self.path("/"), "pgtend");
        let target =
            place.target.map(|target| Html::link(&self.of_target(target, ""), &target.name));
        let crumbs = Html::element("p", &[("class", "crumbs")], [home].into_iter().chain(target));
        let pages = place.target.map(|target| {
            let links = PAGES.iter().map(|page| {
                let href = self.of_target(target, page.address());
                let plain: Attributes<'_> = &[("href", &href)];
                let current: Attributes<'_> = &[("href", &href), ("aria-current", "page")];
                let attributes = if page.shape.name == place.page { current } else { plain };
                Html::element("a", attributes, [Html::text(page.words)])
            });
            Html::element("nav", &[("aria-label", "Pages")], links)
        });
        Html::element("header", &[], [crumbs].into_iter().chain(pages))
    }
}

/// An address with what is asked of it.
pub fn with_query(path: &str, query: &Query) -> String {
    format!("{path}{}", query.written())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_path() {
        let parse = |text: &str| Prefix::parse(text).map(|prefix| prefix.path().to_owned());
        assert_eq!(parse("/pgtend/").unwrap(), "/pgtend");
        assert_eq!(parse("").unwrap(), "");
        for wrong in ["pgtend", "//evil.example.com", "/a/../b", "/a b", "/<", "/a?b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
