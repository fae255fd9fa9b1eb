//! A list as a table: what is shown of its rows, how they are sorted and cut.

use std::time::Duration;

use serde_json::Value;

use super::findings::head as head_of;
use crate::format;
use crate::output::html::Html;
use crate::serve::facts::Facts;
use crate::serve::list::{Field, Part, Row, Shape, Show};
use crate::serve::listing::Listing;
use crate::serve::query::{LIMIT, Order, Query};
use crate::serve::site::{Form, Place, Site, with_query};
use crate::serve::target::Target;

/// A page that is one list.
pub fn page(
    site: &Site,
    target: &Target,
    facts: &Facts,
    listing: &Listing,
    part: &Part<'_>,
    query: &Query,
) -> String {
    let shape = part.shape;
    let title = format!("{} of {}", shape.title, facts.name);
    let place = Place {
        title,
        target: Some(target),
        page: shape.name,
        sections: &[listing.section],
    };
    let path = site.of_target(target, shape.name);
    let form = filter(shape, query, &path);
    let live = body(site, target, facts, listing, part, query);
    site.page(&place, [form, Html::element("div", &[("id", "live")], live)])
}

/// What stands on it besides the form.
pub fn body(
    site: &Site,
    target: &Target,
    facts: &Facts,
    listing: &Listing,
    part: &Part<'_>,
    query: &Query,
) -> Vec<Html> {
    let path = match site.form {
        Form::Served => site.of_target(target, part.shape.name),
        Form::File => String::new(),
    };
    let href = |field: &Field, row: &Row| {
        let served = site.form == Form::Served;
        served.then(|| leads_to(site, target, (part.shape, field), row)).flatten()
    };
    let mut parts = head_of(facts, part.shape.title, &listing.as_of);
    let notes = listing.gaps.iter().chain(&listing.warnings);
    parts.extend(notes.map(|it| Html::of_class("p", "help", it)));
    parts.extend((!part.rows.is_empty()).then(|| table(part, query, &path, &href)));
    parts.push(pager(part, query, &path));
    parts
}

/// What is behind a figure of a row.
fn leads_to(
    site: &Site,
    target: &Target,
    (shape, field): (&Shape, &Field),
    row: &Row,
) -> Option<String> {
    let text = |key: &str| row.values.get(key).and_then(Value::as_str);
    let named = |page: &str, name: &str| site.of_list(target, page, &Query::of_name(name));
    match (shape.name, field.key) {
        ("statements", "query") => {
            Some(site.of_target(target, &format!("statements/{}", text("queryid_text")?)))
        }
        ("tables", "index_bytes") => Some(named("indexes", text("object")?)),
        ("indexes", "table") => Some(named("tables", text("table")?)),
        ("plan" | "advice", "on") => Some(named("tables", text("on")?)),
        _ => None,
    }
}

/// Where a figure of a row leads.
pub type Href<'a> = &'a dyn Fn(&Field, &Row) -> Option<String>;

/// Rows as a table. `path`: the address of the list; none where it has none of its own.
pub fn table(part: &Part<'_>, query: &Query, path: &str, href: Href<'_>) -> Html {
    let shown = part
        .shape
        .fields
        .iter()
        .filter(|field| !field.title.is_empty())
        .collect::<Vec<_>>();
    let heads = shown.iter().map(|field| head(field, part, query, path));
    let head = Html::element("thead", &[], [Html::element("tr", &[], heads)]);
    let rows = part.rows.iter().map(|row| {
        let depth = row.values.get("depth").and_then(Value::as_u64).unwrap_or_default().min(3);
        let cells = shown.iter().map(|field| cell(field, row, href(field, row)));
        Html::element("tr", &[("class", &format!("depth{depth}"))], cells)
    });
    let body = Html::element("tbody", &[], rows);
    let table = Html::element("table", &[], [head, body]);
    Html::element("div", &[("class", "wide")], [table])
}

/// A title that sorts by its column, and the other way round the second time.
fn head(field: &Field, part: &Part<'_>, query: &Query, path: &str) -> Html {
    let is_sorted = part.sort_by == field.key;
    let order = match (is_sorted, part.order) {
        (true, Order::Falling) => Order::Rising,
        (true, Order::Rising) => Order::Falling,
        (false, _) if is_number(field.show) => Order::Falling,
        (false, _) => Order::Rising,
    };
    let query = Query {
        page: 1,
        sort_by: Some(field.key.to_owned()),
        order: Some(order),
        ..query.clone()
    };
    let sorted = match (is_sorted, part.order) {
        (false, _) => "none",
        (true, Order::Rising) => "ascending",
        (true, Order::Falling) => "descending",
    };
    let mark = match (is_sorted, part.order) {
        (false, _) => "",
        (true, Order::Rising) => " ↑",
        (true, Order::Falling) => " ↓",
    };
    let title = format!("{}{mark}", field.title);
    let title = match path.is_empty() {
        true => Html::text(&title),
        false => Html::link(&with_query(path, &query), &title),
    };
    let attributes = [("class", class(field.show)), ("aria-sort", sorted), ("scope", "col")];
    Html::element("th", &attributes, [title])
}

fn is_number(show: Show) -> bool {
    !matches!(show, Show::Text | Show::Id | Show::Code | Show::Word | Show::YesNo)
}

fn class(show: Show) -> &'static str {
    if is_number(show) { "number" } else { "text" }
}

fn cell(field: &Field, row: &Row, href: Option<String>) -> Html {
    let text = row
        .values
        .get(field.key)
        .map_or_else(|| "–".to_owned(), |it| words(field.show, it));
    let inner = match (href, field.show) {
        (Some(href), _) => Html::link(&href, &text),
        (None, Show::Code) => Html::element("code", &[], [Html::text(&text)]),
        (None, Show::Word) => Html::of_class("span", &text, &text),
        (None, _) => Html::text(&text),
    };
    Html::element("td", &[("class", class(field.show)), ("data-label", field.title)], [inner])
}

/// A value as people read it.
pub fn words(show: Show, value: &Value) -> String {
    let number = value.as_f64();
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    match (show, number) {
        (Show::Whole, Some(number)) => format::whole(number.round() as i64),
        (Show::Bytes, Some(number)) => format::bytes(number as i64),
        (Show::Millis, Some(number)) => format::duration(seconds(number / 1e3)),
        (Show::Seconds, Some(number)) => format::span(seconds(number)),
        (Show::Share, Some(number)) => format!("{:.1} %", number * 100.0),
        (Show::Number, Some(number)) => format!("{number:.2}"),
        (Show::YesNo, _) => if value.as_bool() == Some(true) { "yes" } else { "no" }.to_owned(),
        _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// What the list can be cut by: a form that works without JavaScript.
pub fn filter(shape: &Shape, query: &Query, path: &str) -> Html {
    let input = |id: &str, label: &'static str, value: &Option<String>| {
        let given = value.as_deref().unwrap_or_default();
        let attributes = [("id", id), ("name", id), ("value", given), ("autocomplete", "off")];
        let input = Html::void("input", &attributes);
        Html::element("label", &[("for", id)], [Html::text(label), input])
    };
    let keeps = [
        ("sortBy", query.sort_by.clone()),
        ("sortOrder", query.order.map(|order| order.name().to_owned())),
        ("limit", (query.limit != LIMIT).then(|| query.limit.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        Some(Html::void("input", &[("type", "hidden"), ("name", name), ("value", &value?)]))
    });
    let has_schema = shape.fields.iter().any(|field| field.key == "schema");
    let schema = has_schema.then(|| input("schema", "schema", &query.schema));
    let fields = [input("name", "name contains", &query.name)].into_iter().chain(schema);
    let button = Html::element("button", &[], [Html::text("Filter")]);
    let attributes = [("class", "filter"), ("method", "get"), ("action", path), ("role", "search")];
    Html::element("form", &attributes, fields.chain(keeps).chain([button]))
}

/// How many there are, and the way to the others.
pub fn pager(part: &Part<'_>, query: &Query, path: &str) -> Html {
    let total = format::count(part.total, "row", "rows");
    let words = match part.pages() {
        0 | 1 => total,
        pages => {
            let (page, pages) = (format::number(part.page), format::number(pages));
            format!("{total}, page {page} of {pages}")
        }
    };
    let to = |page: Option<usize>, words: &str| {
        page.filter(|_| !path.is_empty())
            .map(|page| Html::link(&with_query(path, &query.at(page)), words))
    };
    let links = [to(part.previous(), "← previous"), to(part.next(), "next →")];
    let words = Html::of_class("span", "dim", &words);
    Html::element(
        "p",
        &[("class", "more")],
        [words].into_iter().chain(links.into_iter().flatten()),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_have_their_units() {
        for (show, value, shown) in [
            (Show::Whole, json!(1_234_567), "1,234,567"),
            (Show::Bytes, json!(2048), "2.0 KiB"),
            (Show::Millis, json!(1500.0), "1.5 s"),
            (Show::Share, json!(0.256), "25.6 %"),
            (Show::Text, json!("x"), "x"),
            (Show::Text, json!([1]), "[1]"),
            (Show::YesNo, json!(true), "yes"),
        ] {
            assert_eq!(words(show, &value), shown);
        }
    }
}
