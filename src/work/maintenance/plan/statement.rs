//! The statement that vacuums or analyzes a table.

use super::{LARGE_BYTES, MaintenancePlanner};
use crate::pg::name::{quote_ident, quote_literal};
use crate::work::subject::MaintenanceTarget;

impl MaintenancePlanner<'_> {
    pub(super) fn statement(&self, target: &MaintenanceTarget) -> String {
        let words = if target.vacuum {
            self.vacuum_words(target)
        } else {
            self.analyze_words()
        };
        let verb = if target.vacuum { "VACUUM" } else { "ANALYZE" };
        // From 18 on a parent's children would be done again with it.
        let only = self.options.version.major() >= 18
            && self.table.has_children
            && self.options.only_needed;
        let only = if only { "ONLY " } else { "" };
        let columns = match self.columns {
            [] => String::new(),
            columns => {
                let quoted = columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>();
                format!(" ({})", quoted.join(", "))
            }
        };
        format!("{verb} ({}) {only}{}{columns}", words.join(", "), self.table.name)
    }

    fn analyze_words(&self) -> Vec<String> {
        let mut words = vec!["SKIP_LOCKED".to_owned()];
        words.extend(self.verbose());
        words.extend(self.buffer_usage_limit());
        words
    }

    fn vacuum_words(&self, target: &MaintenanceTarget) -> Vec<String> {
        let vacuum = &self.options.vacuum;
        let since_16 = self.options.version.has_vacuum_options_of_16();
        let only_toast = since_16 && self.is_only_toast_due() && !target.analyze;
        let mut words = vec!["SKIP_LOCKED".to_owned()];
        words.extend(self.verbose());
        let mut add = |wanted: bool, word: &str| {
            if wanted {
                words.push(word.to_owned());
            }
        };
        // What all tables together mean for the database is reckoned once, at the end of the run.
        add(since_16, "SKIP_DATABASE_STATS");
        add(target.analyze, "ANALYZE");
        // A table may ask to be frozen long before vacuum_freeze_table_age, and then only this does it.
        add(vacuum.freeze || self.is_near_wraparound(), "FREEZE");
        add(vacuum.disable_page_skipping, "DISABLE_PAGE_SKIPPING");
        add(vacuum.index_cleanup == Some(true), "INDEX_CLEANUP on");
        add(vacuum.index_cleanup == Some(false), "INDEX_CLEANUP off");
        add(vacuum.no_process_toast, "PROCESS_TOAST false");
        add(vacuum.no_process_main || only_toast, "PROCESS_MAIN false");
        // Cutting empty pages off takes AccessExclusive, which standbys replay under their readers.
        let truncate = vacuum.truncate.or((self.settings.standbys > 0).then_some(false));
        add(truncate == Some(true), "TRUNCATE true");
        add(truncate == Some(false), "TRUNCATE false");
        words.extend(vacuum.parallel.map(|workers| format!("PARALLEL {workers}")));
        words.extend(self.buffer_usage_limit());
        words
    }

    /// Only VERBOSE tells how many pages were read. What it says of a small table takes about as long
    /// as its VACUUM, so there it is not asked.
    fn verbose(&self) -> Option<String> {
        let is_size_known = self.table.heap.rows >= 0.0;
        (!is_size_known || self.bytes() >= LARGE_BYTES).then(|| "VERBOSE".to_owned())
    }

    fn buffer_usage_limit(&self) -> Option<String> {
        let limit = self.options.vacuum.buffer_usage_limit.as_ref()?;
        Some(format!("BUFFER_USAGE_LIMIT {}", quote_literal(limit)))
    }
}
