//! What a shell says of the line that is typed: its words without quotes, and what of the last one the shell
//! will replace.

/// A word as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedWord {
    /// Without quotes.
    pub text: String,
    /// So many bytes of the text stay where they are; what comes after is replaced.
    pub kept: usize,
    /// The quote that is still open.
    pub quote: Option<char>,
}

/// The words of a line up to the cursor, as a shell splits it. The last one is where the cursor is; it may be
/// empty. `breaks`: characters behind which bash begins a new word of its own.
pub fn words(line: &str, breaks: &str) -> Vec<TypedWord> {
    let mut words = vec![TypedWord::default()];
    let mut is_begun = false;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match (word.quote, char) {
            (None, ' ' | '\t' | '\n') => {
                if is_begun {
                    words.push(TypedWord::default());
                }
                is_begun = false;
                continue;
            }
            (None, '\'' | '"') => {
                word.quote = Some(char);
                word.kept = word.text.len();
            }
            (Some(quote), _) if quote == char => {
                word.quote = None;
                word.kept = 0;
            }
            (None | Some('"'), '\\') => word.text += &escaped(word.quote, chars.next()),
            (None, _) if breaks.contains(char) => {
                word.text.push(char);
                word.kept = word.text.len();
            }
            _ => word.text.push(char),
        }
        is_begun = true;
    }
    words
}

/// What a backslash and the character behind it mean.
fn escaped(quote: Option<char>, char: Option<char>) -> String {
    match (quote, char) {
        (Some('"'), Some(char)) if !"$`\"\\".contains(char) => format!("\\{char}"),
        (_, char) => char.map(String::from).unwrap_or_default(),
    }
}

/// A value as bash takes it into the line in place of what it replaces of the word; `None` where it cannot.
pub fn for_bash(value: &str, word: &TypedWord) -> Option<String> {
    let rest = value.get(word.kept..)?;
    if !value.starts_with(&word.text[..word.kept]) {
        return None;
    }
    match word.quote {
        Some('\'') => (!rest.contains('\'')).then(|| rest.to_owned()),
        Some(_) => Some(with_backslashes(rest, |char| "$`\"\\!".contains(char))),
        None => Some(with_backslashes(rest, |char| {
            !char.is_alphanumeric() && !"_-./,:=@%+".contains(char)
        })),
    }
}

fn with_backslashes(text: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        if is_special(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        words(line, "=:").into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_line_is_split_as_the_shell_does() {
        assert_eq!(texts("pgtend refresh "), ["pgtend", "refresh", ""]);
        assert_eq!(texts("pgtend  -d 'host=a b' x"), ["pgtend", "-d", "host=a b", "x"]);
        assert_eq!(texts(r#"a "b \" \x" c\ d '"' "e"#), ["a", "b \" \\x", "c d", "\"", "e"]);
        assert_eq!(texts("--target=shop/a"), ["--target=shop/a"]);
        assert_eq!(texts(""), [""]);
        assert_eq!(texts("a ''"), ["a", ""]);
        assert_eq!(texts("a \\"), ["a", ""]);
    }

    #[test]
    fn bash_is_given_what_it_replaces() {
        let given = |line: &str, value: &str| {
            for_bash(value, words(line, "=:").last().unwrap()).unwrap_or_else(|| "-".to_owned())
        };
        assert_eq!(given("p refresh sa", "sales"), "sales");
        assert_eq!(given("p --target=sh", "--target=shop"), "shop");
        assert_eq!(given("p -d postgres://a", "postgres://ab"), "//ab");
        assert_eq!(given("p ", "\"We;ird\".\"a $b`\""), r#"\"We\;ird\".\"a\ \$b\`\""#);
        assert_eq!(given("p '\"We", "\"We;ird\""), "\"We;ird\"");
        assert_eq!(given("p 'x", "it's"), "-");
        assert_eq!(given("p \"x", "a$\"b"), r#"a\$\"b"#);
        assert_eq!(given("p --a='b", "--a=bc"), "bc");
        assert_eq!(given("p --a='b", "c"), "-");
    }
}
