//! The advice as a file of declarations, and for a ticket.

use super::report::{AdviseReport, TEXT_WIDTH, doubt, drop_statement, write_words};
use crate::format;
use crate::work::plan::one_line;

impl AdviseReport {
    /// A file for `plan` and `apply`.
    pub fn declarations(&self) -> String {
        let mut file = format!(
            "-- Advised by pgtend for {} as of {}. Costs are estimates of PostgreSQL's planner.\n",
            one_line(&self.origin.database, TEXT_WIDTH),
            self.origin.taken_at
        );
        for advice in &self.advice {
            file.push_str(&format!(
                "\n-- About {}; saves {:.0} % of the workload; {}.\n",
                format::size(advice.candidate.bytes),
                self.share(advice),
                write_words(advice.writes)
            ));
            for served in &advice.serves {
                let only = served.only().map(|only| format!(" ({only})")).unwrap_or_default();
                file.push_str(&format!(
                    "-- cost {:.0} -> {:.0}{only}: {}\n",
                    served.cost_before,
                    served.cost_after,
                    one_line(&served.query, TEXT_WIDTH)
                ));
            }
            file.push_str(&advice.declaration());
            file.push('\n');
        }
        for missing in &self.missing_statistics {
            file.push_str(&format!(
                "\n-- {}.\n-- {}\n",
                one_line(&missing.message(), TEXT_WIDTH),
                one_line(&missing.sql(), TEXT_WIDTH)
            ));
        }
        for index in &self.unneeded {
            file.push_str(&format!(
                "\n-- No statement of the workload needs {} ({}); {}.\n-- {}\n",
                one_line(&format!("{}.{}", index.schema, index.name), TEXT_WIDTH),
                format::size(index.bytes),
                doubt(index),
                one_line(&drop_statement(index), TEXT_WIDTH)
            ));
        }
        file
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.summary());
        for advice in &self.advice {
            text.push_str(&format!(
                "- `{}`\n  {}, saves {:.0} %, serves {}; {}\n",
                one_line(&advice.declaration(), TEXT_WIDTH).replace('`', "'"),
                format::size(advice.candidate.bytes),
                self.share(advice),
                format::count(advice.serves.len(), "statement", "statements"),
                write_words(advice.writes)
            ));
            for (served, only) in advice.serves.iter().filter_map(|it| Some((it, it.only()?))) {
                let query = one_line(&served.query, TEXT_WIDTH).replace('`', "'");
                text.push_str(&format!("  {only} of `{query}`\n"));
            }
        }
        for missing in &self.missing_statistics {
            let sql = one_line(&missing.sql(), TEXT_WIDTH).replace('`', "'");
            let why = one_line(&missing.message(), TEXT_WIDTH).replace('`', "'");
            text.push_str(&format!("- `{sql}`\n  {why}\n"));
        }
        for table in &self.stale {
            let command = one_line(&table.command(), TEXT_WIDTH).replace('`', "'");
            text.push_str(&format!("- `{command}` first: {}\n", table.message()));
        }
        for (shown, no_help) in self.unhelped() {
            let query = one_line(&shown.statement.text, TEXT_WIDTH).replace('`', "'");
            let why = one_line(&no_help.message, TEXT_WIDTH).replace('`', "'");
            text.push_str(&format!("- no index helps `{query}`: {why}; {}\n", no_help.help));
        }
        for index in &self.unneeded {
            text.push_str(&format!(
                "- not needed: `{}` ({}); {}\n",
                one_line(&format!("{}.{}", index.schema, index.name), TEXT_WIDTH).replace('`', "'"),
                format::size(index.bytes),
                doubt(index)
            ));
        }
        text
    }
}
