//! What is left of a product where the command could not do its job.

use super::{Format, Origin, html};
use crate::failure::Failure;
use crate::findings::{github, gitlab, junit, markdown, sarif};

/// What reads the product has to find something that it understands.
pub fn product_of_failure(format: Format, failure: &Failure, origin: &Origin) -> String {
    match format {
        Format::Json => origin.head().failed(failure),
        Format::Github => github::failure(failure),
        Format::Sarif => sarif::failure(failure),
        Format::Junit => junit::failure(failure),
        Format::Gitlab => gitlab::NOTHING.to_owned(),
        Format::Markdown => markdown::failure(failure),
        Format::Html => html::failure(failure),
        Format::Table | Format::Csv => String::new(),
    }
}
