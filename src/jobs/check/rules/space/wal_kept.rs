use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::WAL_KEPT;

/// A busy hour may need so many times what the settings allow.
const TIMES: f64 = 3.0;
const LARGE: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let kept = health.files.wal.seen()?.first().map_or(0.0, |wal| wal.bytes as f64);
    let size = |name: &str| settings.bytes(name).unwrap_or(0.0);
    let wanted = size("max_wal_size").max(size("wal_keep_size"));
    if kept < LARGE || kept < TIMES * wanted {
        return Ok(Vec::new().into());
    }
    let message = format!(
        "pg_wal has {}, and the settings ask for {}",
        bytes(kept as i64),
        bytes(wanted as i64)
    );
    let found = Finding::new(&RULE, None, message)
        .about(&"pg_wal")
        .severity(Severity::Warning)
        .help("a slot, a failing archive_command or a standby that is behind keeps it; when the disk is full the server stops")
        .command("pgtend check replication")
        .evidence("kept_bytes", kept)
        .evidence("wanted_bytes", wanted);
    Ok(vec![found].into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Files, WalFiles};

    #[test]
    fn some_files_more_are_no_finding() {
        let found = |bytes| {
            let wal = WalFiles { bytes, files: 1 };
            let files = Files { wal: Known::Known(vec![wal]), ..Files::default() };
            let health = Health { files, ..Health::default() };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([found(1 << 30), found(100 << 30)], [0, 1]);
    }
}
