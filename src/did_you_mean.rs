//! What somebody may have meant who has written a name that is not there.

/// A name is meant where it is so much alike, by Jaro and Winkler: their measure favours a common
/// beginning, as names that are mistyped have.
const ALIKE: f64 = 0.8;

/// The hint for a name that is not among the known ones: the nearest of them, or as many as one wants
/// to read; `none` where there are none.
pub fn hint(wanted: &str, known: &[String], none: &str) -> String {
    match known {
        [] => none.to_owned(),
        known => hint_or(wanted, known, &format!("there are: {}", listed(known))),
    }
}

/// The same, with another hint where none of them is near.
pub fn hint_or(wanted: &str, known: &[String], otherwise: &str) -> String {
    nearest(wanted, known).map_or_else(|| otherwise.to_owned(), |it| format!("did you mean {it}?"))
}

/// The known name that is most alike, with its schema or without. Wildcards are not looked at.
fn nearest<'k>(wanted: &str, known: &'k [String]) -> Option<&'k str> {
    let plain = |name: &str| name.replace(['*', '?', '"'], "").to_lowercase();
    let wanted = plain(wanted);
    let likeness = |name: &String| {
        let name = plain(name);
        let own = name.rsplit_once('.').map_or(name.as_str(), |(_, own)| own);
        strsim::jaro_winkler(&wanted, &name).max(strsim::jaro_winkler(&wanted, own))
    };
    known
        .iter()
        .map(|name| (likeness(name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name.as_str())
}

/// As many names as one wants to read.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut text = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant_if_one_is_near() {
        let known = ["crm.sales", "crm.daily_sales", "public.users"].map(str::to_owned);
        assert_eq!(nearest("sales", &known), Some("crm.sales"));
        assert_eq!(nearest("crm.sale", &known), Some("crm.sales"));
        assert_eq!(nearest("dayly_sales", &known), Some("crm.daily_sales"));
        assert_eq!(nearest("\"Users\"", &known), Some("public.users"));
        assert_eq!(nearest("xyz", &known), None);
        let all = "there are: crm.sales, crm.daily_sales, public.users";
        assert_eq!(hint("xyz", &known, "none"), all);
        assert_eq!(hint("xyz", &[], "there are none"), "there are none");
    }
}
