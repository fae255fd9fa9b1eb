//! What `check` tells programs.

use serde::Serialize;

use super::glance::Glance;
use super::plan::Judgement;
use super::report::Fixed;
use crate::findings::{Repository, ReviewDocument};
use crate::output::steps::StepsDocument;

/// What was found.
#[derive(Debug, Serialize)]
pub struct CheckDocument<'a> {
    glance: &'a Glance,
    #[serde(flatten)]
    review: ReviewDocument,
    /// What would let the checks see more.
    grants: Vec<&'a str>,
    /// What was mended, or would be.
    #[serde(flatten)]
    fixed: Option<StepsDocument>,
}

impl<'a> CheckDocument<'a> {
    pub fn new(
        judgement: &'a Judgement,
        glance: &'a Glance,
        fixed: Option<&Fixed>,
        repository: &Repository,
    ) -> Self {
        CheckDocument {
            glance,
            review: ReviewDocument::new(&judgement.review, repository),
            grants: judgement.remedies.iter().map(String::as_str).collect(),
            fixed: fixed.map(Fixed::document),
        }
    }
}
