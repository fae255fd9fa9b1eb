//! Series as Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::output::metrics::escaped;

/// A family of series: its name, what it tells and of which type it is.
pub struct Family {
    pub name: &'static str,
    pub help: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gauge,
    /// Its name ends in `_total`.
    Counter,
}

/// The two formats that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format 0.0.4.
    Plain,
    OpenMetrics,
}

pub const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind: Kind::Gauge }
}

pub const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind: Kind::Counter }
}

impl Family {
    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        }
    }

    /// OpenMetrics names a counter without what its series end in.
    fn name_in(&self, format: Format) -> &'static str {
        match format {
            Format::OpenMetrics => self.name.strip_suffix("_total").unwrap_or(self.name),
            Format::Plain => self.name,
        }
    }
}

/// The series of each family, by name; each series once.
#[derive(Default)]
pub struct Series(BTreeMap<&'static str, (&'static Family, BTreeMap<String, f64>)>);

impl Series {
    /// Is told of, also where it has no series.
    pub fn family(&mut self, family: &'static Family) {
        self.0.entry(family.name).or_insert((family, BTreeMap::new()));
    }

    pub fn add(&mut self, family: &'static Family, labels: &[(&str, &str)], value: f64) {
        let key = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect::<Vec<_>>()
            .join(",");
        let (_, series) = self.0.entry(family.name).or_insert((family, BTreeMap::new()));
        series.insert(key, value);
    }

    pub fn text(&self, format: Format) -> String {
        let mut text = String::new();
        let families = self
            .0
            .iter()
            .map(|(name, (family, series))| (family.name_in(format), (*name, *family, series)));
        for (told, (name, family, series)) in families.collect::<BTreeMap<_, _>>() {
            let (help, kind) = (family.help, family.kind());
            // Writing to memory does not fail.
            let _ = writeln!(text, "# HELP {told} {help}\n# TYPE {told} {kind}");
            for (labels, value) in series {
                let _ = writeln!(text, "{name}{{{labels}}} {}", number(*value));
            }
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

fn number(value: f64) -> String {
    match value {
        value if value == f64::INFINITY => "+Inf".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static UP: Family = gauge("pgtend_up", "1 where it is up.");
    static STEPS: Family = counter("pgtend_steps_total", "Steps.");
    static RATE: Family = gauge("pgtend_steps_rate", "Steps a second.");

    #[test]
    fn labels_cannot_break_out_and_families_stand_together() {
        let mut series = Series::default();
        series.add(&UP, &[("target", "a\"} 1\nx")], 1.0);
        series.add(&UP, &[("target", "b")], f64::INFINITY);
        let text = series.text(Format::Plain);
        let lines = text.lines().collect::<Vec<_>>();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[2], "pgtend_up{target=\"a\\\"} 1\\nx\"} 1");
        assert_eq!(lines[3], "pgtend_up{target=\"b\"} +Inf");
    }

    #[test]
    fn families_come_in_the_order_of_the_names_that_they_are_told_by() {
        let mut series = Series::default();
        series.family(&STEPS);
        series.family(&RATE);
        let names = |format| {
            let text = series.text(format);
            let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
            helps.map(|help| help.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(Format::Plain), ["pgtend_steps_rate", "pgtend_steps_total"]);
        assert_eq!(names(Format::OpenMetrics), ["pgtend_steps", "pgtend_steps_rate"]);
    }

    #[test]
    fn open_metrics_name_a_counter_by_its_family_and_have_an_end() {
        let mut series = Series::default();
        series.add(&STEPS, &[("command", "apply")], 3.0);
        let lines = "pgtend_steps_total{command=\"apply\"} 3\n";
        assert_eq!(
            series.text(Format::Plain),
            format!("# HELP pgtend_steps_total Steps.\n# TYPE pgtend_steps_total counter\n{lines}")
        );
        assert_eq!(
            series.text(Format::OpenMetrics),
            format!("# HELP pgtend_steps Steps.\n# TYPE pgtend_steps counter\n{lines}# EOF\n")
        );
    }
}
