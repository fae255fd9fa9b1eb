//! Sizes on the command line: `100MB`, `2 GB`, as PostgreSQL's settings have them.

const UNITS: [(&str, u64); 6] = [
    ("", 1),
    ("b", 1),
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("gb", 1 << 30),
    ("tb", 1 << 40),
];

/// Bytes.
///
/// # Errors
/// Says what was expected.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .unwrap_or(text.len());
    let unit = text[end..].trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let whole = text[..end].parse::<u64>().ok().zip(factor);
    let bytes = whole.and_then(|(number, factor)| number.checked_mul(factor));
    bytes.ok_or_else(|| "expected a size such as 100MB or 2GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_postgresqls_units() {
        for (text, bytes) in [("8", 8), ("8kB", 8_192), ("100 MB", 104_857_600), ("2GB", 2 << 30)] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1.5GB", "-1MB", "1 parsec", "99999999999TB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
