//! Commands that pgtend names, as a shell takes them.

/// A pgtend command for an object.
pub fn pgtend(command: &str, object: &str) -> String {
    format!("pgtend {command} {}", shell(object))
}

/// A word as a POSIX shell takes it.
pub fn shell(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_./:@%+,-".contains(char);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_commands() {
        assert_eq!(pgtend("vacuum", "public.orders"), "pgtend vacuum public.orders");
        assert_eq!(pgtend("vacuum", "\"We;ird\"'"), r#"pgtend vacuum '"We;ird"'\'''"#);
        assert_eq!(shell(""), "''");
    }
}
