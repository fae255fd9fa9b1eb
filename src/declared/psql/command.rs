//! psql's own commands (14 to 18), and what each does to the statements around it.

use std::fmt;

/// A command and its line.
#[derive(Debug)]
pub struct PsqlCommand<'t> {
    /// Without the backslash.
    pub name: &'t str,
    /// What follows it, without quotes.
    pub arguments: Vec<String>,
    /// Whether a variable or a program decides about an argument.
    pub is_computed: bool,
    /// The byte after it.
    pub end: usize,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEffect {
    /// Nothing that a statement could notice.
    None,
    /// It sets a variable.
    Sets,
    /// It unsets a variable.
    Unsets,
    /// Only `\unrestrict` is allowed from here on.
    Restrict,
    /// All commands are allowed again.
    Unrestrict,
    /// It reads another file.
    Include {
        /// From the folder of this one.
        relative: bool,
    },
    /// It sends what stands before it.
    Sends,
    /// It forgets what stands before it.
    Forgets,
    /// Rows follow it.
    Rows,
    /// It ends the file.
    Ends,
    /// What it does cannot be known, or changes what follows.
    Unknown(&'static str),
}

/// They take the rest of their line as it is.
const WHOLE_LINE: [&str; 11] =
    ["!", "copy", "ef", "ev", "h", "help", "sf", "sf+", "sv", "sv+", "?"];

impl<'t> PsqlCommand<'t> {
    /// Reads the command whose name begins at this byte, behind the backslash.
    pub fn read(text: &'t str, at: usize) -> Self {
        let line_end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = &text[at..line_end];
        let length = line.find(|c: char| c == '\\' || is_space(c)).unwrap_or(line.len());
        let (name, rest) = line.split_at(length);
        // The one command whose name may be written in capitals.
        let name = if name.eq_ignore_ascii_case("copy") {
            "copy"
        } else {
            name
        };
        let mut command = PsqlCommand {
            name,
            arguments: Vec::new(),
            is_computed: false,
            end: line_end,
        };
        let pipes = matches!(name, "o" | "out" | "w" | "write" | "g" | "gx")
            && rest.trim_start().starts_with('|');
        if pipes || WHOLE_LINE.contains(&name) {
            command.arguments.push(rest.trim().to_owned());
        } else {
            command.end = at + length + command.read_arguments(rest);
        }
        command
    }

    /// Returns how many bytes belong to the command. A backslash outside of quotes begins the next
    /// one, two end this one.
    fn read_arguments(&mut self, rest: &str) -> usize {
        let mut argument = None::<String>;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => {
                    self.arguments.extend(argument);
                    return if rest[at + 1..].starts_with('\\') { at + 2 } else { at };
                }
                _ if is_space(char) => self.arguments.extend(argument.take()),
                '\'' | '"' | '`' => {
                    self.is_computed |= char == '`';
                    let argument = argument.get_or_insert_default();
                    while let Some((_, inner)) = chars.next() {
                        if inner == char {
                            if char != '\'' || chars.next_if(|(_, next)| *next == '\'').is_none() {
                                break;
                            }
                        } else if inner == '\\' && char == '\'' {
                            argument.extend(chars.next().map(|(_, escaped)| escaped));
                            continue;
                        }
                        argument.push(inner);
                    }
                }
                _ => {
                    self.is_computed |= char == ':' && names_variable(&rest[at + 1..]);
                    argument.get_or_insert_default().push(char);
                }
            }
        }
        self.arguments.extend(argument);
        rest.len()
    }

    pub fn effect(&self) -> CommandEffect {
        match self.name {
            "a" | "C" | "conninfo" | "conninfo+" | "copyright" | "echo" | "errverbose" | "f"
            | "h" | "H" | "help" | "html" | "l" | "l+" | "list" | "list+" | "lo_export"
            | "lo_import" | "lo_list" | "lo_list+" | "lo_unlink" | "o" | "out" | "p"
            | "password" | "print" | "pset" | "qecho" | "s" | "setenv" | "sf" | "sf+" | "sv"
            | "sv+" | "t" | "T" | "timing" | "w" | "warn" | "write" | "x" | "z" | "zS" | "?" => {
                CommandEffect::None
            }
            "set" => self.set(),
            "getenv" | "prompt" => CommandEffect::Sets,
            "unset" => CommandEffect::Unsets,
            "restrict" => CommandEffect::Restrict,
            "unrestrict" => CommandEffect::Unrestrict,
            "encoding" => self.encoding(),
            "i" | "include" => CommandEffect::Include { relative: false },
            "ir" | "include_relative" => CommandEffect::Include { relative: true },
            "g" | "gx" | "crosstabview" => CommandEffect::Sends,
            "r" | "reset" => CommandEffect::Forgets,
            "q" | "quit" => CommandEffect::Ends,
            "copy" => self.copy(),
            "c" | "connect" => CommandEffect::Unknown("connects to another database"),
            "if" | "elif" | "else" | "endif" => {
                CommandEffect::Unknown("makes what follows depend on a condition")
            }
            "gexec" => CommandEffect::Unknown("sends the statements that a query makes"),
            "gset" => CommandEffect::Unknown("sets variables to what a query returns"),
            "gdesc" => CommandEffect::Unknown("keeps the statement before it from being run"),
            "watch" => CommandEffect::Unknown("sends the statement before it again and again"),
            "!" => CommandEffect::Unknown("runs a program, whose work pgtend cannot know"),
            "cd" => CommandEffect::Unknown("changes the folder that \\i reads from"),
            "e" | "edit" | "ef" | "ev" => CommandEffect::Unknown("opens an editor"),
            "bind" | "bind_named" | "close" | "close_prepared" | "endpipeline" | "flush"
            | "flushrequest" | "getresults" | "parse" | "sendpipeline" | "startpipeline"
            | "syncpipeline" => CommandEffect::Unknown("sends statements in parts"),
            name if describes(name) => CommandEffect::None,
            _ => CommandEffect::Unknown("no psql from 14 to 18 knows"),
        }
    }

    fn set(&self) -> CommandEffect {
        let value = self.arguments.get(1).map(|value| value.to_ascii_lowercase());
        let is_off = || {
            let word = value.as_deref().unwrap_or("on");
            ["off", "0", "false", "no"]
                .iter()
                .any(|off| off.starts_with(word) && word != "o")
        };
        match self.arguments.first().map(String::as_str) {
            Some("AUTOCOMMIT") if is_off() => {
                CommandEffect::Unknown("leaves open whether what follows is committed")
            }
            Some("SINGLELINE") if !is_off() => {
                CommandEffect::Unknown("ends statements at each line's end")
            }
            Some("SINGLESTEP") if !is_off() => CommandEffect::Unknown("asks before each statement"),
            Some(_) => CommandEffect::Sets,
            None => CommandEffect::None,
        }
    }

    fn encoding(&self) -> CommandEffect {
        let name = self
            .arguments
            .first()
            .map(|name| name.to_ascii_lowercase().replace(['-', '_'], ""));
        match name.as_deref() {
            None | Some("utf8" | "unicode") => CommandEffect::None,
            Some(_) => {
                CommandEffect::Unknown("says that the file is not UTF-8; convert it with iconv")
            }
        }
    }

    fn copy(&self) -> CommandEffect {
        let line = self.arguments.first().map(|line| line.to_ascii_lowercase()).unwrap_or_default();
        let words = line.split_whitespace().collect::<Vec<_>>();
        let has_rows = words.windows(2).any(|pair| pair[0] == "from" && is_inline(pair[1]));
        if has_rows {
            CommandEffect::Rows
        } else {
            CommandEffect::None
        }
    }
}

/// Whether COPY … FROM this reads the file's own lines: PostgreSQL takes both words for the client.
pub fn is_inline(word: &str) -> bool {
    ["stdin", "stdout"].iter().any(|inline| word.eq_ignore_ascii_case(inline))
}

/// `\d`, `\dt+`, `\dconfig`: they only show.
fn describes(name: &str) -> bool {
    name.strip_prefix('d').is_some_and(|rest| {
        rest.chars()
            .all(|c| c.is_ascii_alphabetic() || matches!(c, '+' | 'S' | '*' | '?' | '!'))
    })
}

fn names_variable(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | '{'))
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}')
}

impl fmt::Display for PsqlCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\\{}", self.name)?;
        // Its key is nothing to read.
        if let Some(first) = self.arguments.first().filter(|_| !self.name.ends_with("restrict")) {
            let short = first.chars().take(40).collect::<String>();
            write!(f, " {short}")?;
        }
        Ok(())
    }
}
