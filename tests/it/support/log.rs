//! What the server's log says about statements: the only witness that no program can fool.

use std::collections::HashMap;

/// Statements that change nothing for anybody else.
const HARMLESS: [&str; 9] = [
    "SELECT",
    "WITH",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET",
    "RESET",
];

/// A statement and the process that it was sent to.
pub struct Entry {
    pid: String,
    pub statement: String,
}

/// The statements that sessions with this application name sent to this database.
pub fn read(log: &str, database: &str, application: &str) -> Vec<Entry> {
    let mark = format!(" db={database} app={application} LOG:  ");
    let mut entries: Vec<Entry> = Vec::new();
    let mut continues = false;
    for line in log.lines() {
        // The server indents the further lines of an entry.
        if let (true, Some(more)) = (continues, line.strip_prefix('\t')) {
            let statement = &mut entries.last_mut().unwrap().statement;
            statement.push('\n');
            statement.push_str(more);
            continue;
        }
        let entry = line.split_once(&mark).and_then(|(before, said)| {
            let statement =
                said.strip_prefix("statement: ").or(said.strip_prefix("execute <unnamed>: "))?;
            let pid = before.rsplit('[').next().unwrap().trim_end_matches(']').to_owned();
            Some(Entry { pid, statement: statement.to_owned() })
        });
        continues = entry.is_some();
        entries.extend(entry);
    }
    entries
}

/// What of it changed or would have changed something for others: everything but questions and
/// what was rolled back, as the comparison with empty copies is.
pub fn changes(entries: Vec<Entry>) -> Vec<String> {
    let mut open: HashMap<String, Vec<String>> = HashMap::new();
    let mut kept = Vec::new();
    for Entry { pid, statement } in entries {
        match statement.as_str() {
            "BEGIN" => drop(open.insert(pid, Vec::new())),
            "COMMIT" => kept.extend(open.remove(&pid).unwrap_or_default()),
            "ROLLBACK" => drop(open.remove(&pid)),
            _ => open.get_mut(&pid).unwrap_or(&mut kept).push(statement),
        }
    }
    kept.retain(|statement| is_change(statement));
    kept
}

/// Whether the statement is more than a question.
pub fn is_change(statement: &str) -> bool {
    let mut lines = statement.lines().map(str::trim_start);
    let code = lines
        .find(|line| !line.is_empty() && !line.starts_with("--"))
        .unwrap_or_default();
    let first = code.split_whitespace().next().unwrap_or_default().to_uppercase();
    !HARMLESS.contains(&first.trim_end_matches(';'))
}
