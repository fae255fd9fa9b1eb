//! What a client takes, by its own words.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

/// What a header offers, each with its weight.
fn offers(asked: &HeaderMap, header: &HeaderName) -> Vec<(String, f32)> {
    let lists = asked.get_all(header).iter().filter_map(|it| it.to_str().ok());
    let offers = lists.flat_map(|list| list.split(',')).map(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|it| it.strip_prefix("q=")?.trim().parse::<f32>().ok());
        (name, weight.unwrap_or(1.0))
    });
    offers.collect()
}

fn weight_of(offers: &[(String, f32)], names: &[&str]) -> Option<f32> {
    let found = offers.iter().find(|(name, _)| names.contains(&name.as_str()));
    found.map(|(_, weight)| *weight)
}

/// Whether the client understands gzip and has not asked for the plain text.
pub fn takes_packed(asked: &HeaderMap) -> bool {
    let offers = offers(asked, &ACCEPT_ENCODING);
    let weight = weight_of(&offers, &["gzip", "x-gzip"]).or_else(|| weight_of(&offers, &["*"]));
    !asked.contains_key("x-no-compression") && weight.is_some_and(|weight| weight > 0.0)
}

/// Whether the client names OpenMetrics, and likes it no less than plain text.
pub fn takes_open_metrics(asked: &HeaderMap) -> bool {
    let offers = offers(asked, &ACCEPT);
    let open = weight_of(&offers, &["application/openmetrics-text"]).unwrap_or(0.0);
    open > 0.0 && open >= weight_of(&offers, &["text/plain"]).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_are_told_to_those_who_name_them() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
        for (accept, is_taken) in [
            (prometheus, true),
            ("application/openmetrics-text; version=1.0.0", true),
            ("*/*", false),
            ("text/plain, application/openmetrics-text;q=0.5", false),
            ("application/openmetrics-text;q=0", false),
        ] {
            let asked = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(takes_open_metrics(&asked), is_taken, "{accept}");
        }
        assert!(!takes_open_metrics(&HeaderMap::new()));
    }
}
