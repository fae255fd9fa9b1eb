//! JUnit's XML, as GitLab and Jenkins read it: each check is a test.

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Repository;
use super::{Check, CheckVerdict, Finding, Review};
use crate::escape_control::escape_control;
use crate::failure::Failure;
use crate::format;

type Xml = Writer<Vec<u8>>;

const NAME: &str = "pgtend verify";

/// How a test ended that did not just pass.
enum CaseEnd {
    Failed { kind: String, message: String, text: String },
    Errored { kind: &'static str, message: String, text: String },
    Skipped { message: String },
}

/// A test.
struct Case {
    name: String,
    /// The file that the first finding stands in.
    file: Option<String>,
    took: Duration,
    end: Option<CaseEnd>,
    /// What else was said.
    output: String,
}

/// The report.
pub fn text(review: &Review, repository: &Repository) -> String {
    let cases = review.by_check().map(|(check, findings)| {
        let (failing, others): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| review.fails(finding));
        case(review, check, (&failing, &others), repository)
    });
    written(&cases.collect::<Vec<_>>())
}

/// The report of a run that came to no review.
pub fn failure(failure: &Failure) -> String {
    let kind = failure.kind.name();
    let (message, text) = (failure.to_string(), failure.hint.clone().unwrap_or_default());
    let end = Some(CaseEnd::Errored { kind, message, text });
    let (took, output) = (Duration::ZERO, String::new());
    let name = "verify".to_owned();
    written(&[Case { name, file: None, took, end, output }])
}

fn case(
    review: &Review,
    check: &Check,
    (failing, others): (&[&Finding], &[&Finding]),
    repository: &Repository,
) -> Case {
    let shown = |findings: &[&Finding]| {
        findings
            .iter()
            .map(|one| crate::findings::lines(&named(one, repository), review))
            .collect()
    };
    let first = failing.first();
    let end = match (check.verdict, first) {
        (CheckVerdict::Skipped, _) => {
            Some(CaseEnd::Skipped { message: check.reason.clone().unwrap_or_default() })
        }
        (_, Some(first)) => Some(CaseEnd::Failed {
            kind: first.rule.clone(),
            message: summary(&review.message_of(first), failing.len()),
            text: shown(failing),
        }),
        (_, None) => None,
    };
    let place = first.and_then(|first| first.place.as_ref());
    Case {
        name: review.name_of(check),
        file: place.map(|place| repository.name(&place.at.file)),
        took: check.took,
        end,
        output: shown(others),
    }
}

/// The finding with its file named as the attribute names it.
fn named(finding: &Finding, repository: &Repository) -> Finding {
    let mut finding = finding.clone();
    if let Some(place) = &mut finding.place {
        place.at.file = std::path::Path::new(&repository.name(&place.at.file)).into();
    }
    finding
}

/// What is seen before anybody unfolds the test.
fn summary(first: &str, number: usize) -> String {
    let others = match number {
        0 | 1 => String::new(),
        _ => format!(" (and {})", format::count(number - 1, "other", "others")),
    };
    format!("{first}{others}")
}

fn written(cases: &[Case]) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Into memory, which refuses nothing.
    let _ = document(&mut xml, cases);
    let mut text = String::from_utf8(xml.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

fn document(xml: &mut Xml, cases: &[Case]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let counted = counts(cases);
    let counts = counted.iter().map(|(name, count)| (*name, count.as_str()));
    let suites = xml.create_element("testsuites").with_attribute(("name", NAME));
    suites.with_attributes(counts.clone()).write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attribute(("name", NAME));
        suite
            .with_attributes(counts)
            .write_inner_content(|xml| cases.iter().try_for_each(|case| testcase(xml, case)))?;
        Ok(())
    })?;
    Ok(())
}

fn counts(cases: &[Case]) -> [(&'static str, String); 5] {
    let number = |is_one: fn(&CaseEnd) -> bool| {
        cases
            .iter()
            .filter_map(|case| case.end.as_ref())
            .filter(|end| is_one(end))
            .count()
    };
    [
        ("tests", cases.len().to_string()),
        ("failures", number(|end| matches!(end, CaseEnd::Failed { .. })).to_string()),
        ("errors", number(|end| matches!(end, CaseEnd::Errored { .. })).to_string()),
        ("skipped", number(|end| matches!(end, CaseEnd::Skipped { .. })).to_string()),
        ("time", seconds(cases.iter().map(|case| case.took).sum())),
    ]
}

fn testcase(xml: &mut Xml, case: &Case) -> io::Result<()> {
    let file = case.file.as_deref().map(attribute);
    let time = seconds(case.took);
    let element = xml
        .create_element("testcase")
        .with_attributes([("name", case.name.as_str()), ("classname", NAME), ("time", &time)])
        .with_attributes(file.as_deref().map(|file| ("file", file)));
    if case.end.is_none() && case.output.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        if let Some(end) = &case.end {
            ending(xml, end)?;
        }
        if !case.output.is_empty() {
            let output = content(&case.output);
            xml.create_element("system-out").write_text_content(BytesText::new(&output))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn ending(xml: &mut Xml, end: &CaseEnd) -> io::Result<()> {
    let (element, kind, message, text) = match end {
        CaseEnd::Failed { kind, message, text } => ("failure", kind.as_str(), message, text),
        CaseEnd::Errored { kind, message, text } => ("error", *kind, message, text),
        CaseEnd::Skipped { message } => {
            let message = attribute(message);
            let skipped = xml.create_element("skipped");
            skipped.with_attribute(("message", message.as_str())).write_empty()?;
            return Ok(());
        }
    };
    let (kind, message) = (attribute(kind), attribute(message));
    let element = xml
        .create_element(element)
        .with_attributes([("message", message.as_str()), ("type", kind.as_str())]);
    element.write_text_content(BytesText::new(&content(text)))?;
    Ok(())
}

/// An attribute's value: in one line, as a reader would make it anyway.
fn attribute(text: &str) -> String {
    legal(&escape_control(text))
}

/// Text within an element: its lines stay.
fn content(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        line.split('\t')
            .map(|part| legal(&escape_control(part)))
            .collect::<Vec<_>>()
            .join("\t")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Without what XML 1.0 has no way to say, and that `harmless` lets pass.
fn legal(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}
