//! What was found, as a page.

use super::chart;
use super::glance::Glance;
use super::plan::Judgement;
use crate::findings::{Check, CheckVerdict, Finding, Severity, counted};
use crate::format::{self, count};
use crate::output::html::{Html, page};

/// So many findings of a rule and severity stand there unfolded.
const UNFOLDED: usize = 20;

/// The page.
pub fn text(judgement: &Judgement, glance: &Glance, name: &str, looked_at: &str) -> String {
    let title = format!("pgtend check: {name}");
    let head = [
        Html::element("h1", &[], [Html::text(&title)]),
        Html::of_class("p", "dim", looked_at),
    ];
    let view = View { leads: &|_| None, wants: &|_| true };
    page(&title, head.into_iter().chain(body(judgement, glance, &view)))
}

/// What may lead to a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot<'a> {
    /// A line of what is seen at a glance, by its name.
    Glance(&'a str),
    /// What a finding is about.
    Object(&'a str),
}

/// What a page makes of it.
pub struct View<'a> {
    /// Where a spot leads, if anywhere.
    pub leads: &'a dyn Fn(Spot<'_>) -> Option<String>,
    /// Which findings are listed.
    pub wants: &'a dyn Fn(&Finding) -> bool,
}

/// The verdict, what is seen at a glance, the findings and the checks.
pub fn body(judgement: &Judgement, glance: &Glance, view: &View<'_>) -> Vec<Html> {
    let findings = &judgement.review.findings;
    let head = [
        verdict(judgement),
        glance_list(glance, view),
        Html::element("div", &[("class", "charts")], chart::charts(findings, glance)),
    ];
    let parts = [listed(findings, view), checks(&judgement.review.checks), grants(judgement)];
    head.into_iter().chain(parts.into_iter().flatten()).collect()
}

/// One line that says whether all is well.
pub fn verdict(judgement: &Judgement) -> Html {
    let findings = &judgement.review.findings;
    let found = counted(findings).unwrap_or_else(|| "nothing found".to_owned());
    let worst = findings.first().map_or("passed", |finding| finding.severity.name());
    let checks = &judgement.review.checks;
    let unknown = checks.iter().filter(|check| check.verdict == CheckVerdict::Unknown).count();
    let words = match unknown {
        0 => found,
        _ => format!("{found}; {} could not look", count(unknown, "check", "checks")),
    };
    Html::of_class("p", &format!("verdict {worst}"), &words)
}

fn glance_list(glance: &Glance, view: &View<'_>) -> Html {
    let lines = glance.lines().into_iter().flat_map(|(name, value)| {
        let value = view.linked(Spot::Glance(name), &value);
        [("dt", Html::text(name)), ("dd", value)].map(|(tag, it)| Html::element(tag, &[], [it]))
    });
    Html::element("dl", &[("class", "glance")], lines)
}

impl View<'_> {
    fn linked(&self, spot: Spot<'_>, text: &str) -> Html {
        (self.leads)(spot).map_or_else(|| Html::text(text), |href| Html::link(&href, text))
    }
}

/// The worst first; those of one rule and severity stand together.
fn listed(findings: &[Finding], view: &View<'_>) -> Vec<Html> {
    let mut groups = Vec::<((Severity, &str), Vec<&Finding>)>::new();
    for finding in findings.iter().filter(|finding| (view.wants)(finding)) {
        let key = (finding.severity, finding.rule.as_str());
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(finding),
            None => groups.push((key, vec![finding])),
        }
    }
    let articles = groups.into_iter().flat_map(|(key, group)| of_rule(key, &group, view));
    heading("Findings")
        .into_iter()
        .chain(articles)
        .filter(|_| !findings.is_empty())
        .collect()
}

fn heading(text: &str) -> Option<Html> {
    Some(Html::element("h2", &[], [Html::text(text)]))
}

fn of_rule(
    (severity, rule): (Severity, &str),
    findings: &[&Finding],
    view: &View<'_>,
) -> Vec<Html> {
    let severity = severity.name();
    let number = match findings.len() {
        1 => String::new(),
        number => format!(": {}", format::number(number)),
    };
    let title = Html::element(
        "h3",
        &[],
        [
            Html::of_class("span", severity, severity),
            Html::text(" "),
            Html::element("code", &[], [Html::text(rule)]),
            Html::text(&number),
        ],
    );
    let (open, folded) = findings.split_at(findings.len().min(UNFOLDED));
    let more = (!folded.is_empty()).then(|| {
        let words = format!("{} more", format::number(folded.len()));
        let summary = Html::element("summary", &[], [Html::text(&words)]);
        let articles = folded.iter().map(|finding| article(finding, view));
        Html::element("details", &[], [summary].into_iter().chain(articles))
    });
    let articles = open.iter().map(|finding| article(finding, view));
    [title].into_iter().chain(articles).chain(more).collect()
}

fn article(finding: &Finding, view: &View<'_>) -> Html {
    let object = finding.object.as_deref().map(|object| {
        let object = view.linked(Spot::Object(object), object);
        Html::element("p", &[("class", "object")], [object])
    });
    let message = Html::element("p", &[], [Html::text(&finding.message)]);
    let help = finding.help.as_deref().map(|help| Html::of_class("p", "help", help));
    let command = finding.command.as_deref().map(|command| {
        Html::element("pre", &[], [Html::element("code", &[], [Html::text(command)])])
    });
    let parts = [object, Some(message), help, command].into_iter().flatten();
    Html::element("article", &[("class", finding.severity.name())], parts)
}

/// Those that were not made are folded.
fn checks(checks: &[Check]) -> Vec<Html> {
    let (skipped, made) = checks
        .iter()
        .partition::<Vec<_>, _>(|check| check.verdict == CheckVerdict::Skipped);
    let folded = (!skipped.is_empty()).then(|| {
        let words = format!("{} skipped", skipped.len());
        let summary = Html::element("summary", &[], [Html::text(&words)]);
        Html::element("details", &[], [summary, table_of(&skipped)])
    });
    let made = (!made.is_empty()).then(|| table_of(&made));
    heading("Checks").into_iter().chain(made).chain(folded).collect()
}

fn table_of(checks: &[&Check]) -> Html {
    let columns = ["check", "verdict", "why"].map(|it| Html::element("th", &[], [Html::text(it)]));
    let head = Html::element("thead", &[], [Html::element("tr", &[], columns)]);
    let rows = checks.iter().map(|check| {
        let verdict = Html::of_class("span", check.verdict.name(), check.told());
        let cells = [
            Html::element("code", &[], [Html::text(check.name)]),
            verdict,
            Html::text(&check.why()),
        ];
        Html::element("tr", &[], cells.map(|cell| Html::element("td", &[], [cell])))
    });
    Html::element("table", &[], [head, Html::element("tbody", &[], rows)])
}

/// What would let the checks see more.
fn grants(judgement: &Judgement) -> Vec<Html> {
    if judgement.remedies.is_empty() {
        return Vec::new();
    }
    let text = judgement.remedies.iter().map(|grant| format!("{grant};\n")).collect::<String>();
    let grants = text
        .trim_end()
        .lines()
        .map(|grant| Html::element("pre", &[], [Html::text(grant)]));
    heading("To see more").into_iter().chain(grants).collect()
}
