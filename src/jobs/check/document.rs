//! What `check` tells programs.

use serde::Serialize;

use super::glance::Glance;
use super::plan::Judgement;
use crate::findings::{Repository, ReviewDocument};

/// What was found.
#[derive(Debug, Serialize)]
pub struct CheckDocument<'a> {
    glance: &'a Glance,
    #[serde(flatten)]
    review: ReviewDocument,
    /// What would let the checks see more.
    grants: Vec<&'a str>,
}

impl<'a> CheckDocument<'a> {
    pub fn new(judgement: &'a Judgement, glance: &'a Glance, repository: &Repository) -> Self {
        CheckDocument {
            glance,
            review: ReviewDocument::new(&judgement.review, repository),
            grants: judgement.remedies.iter().map(String::as_str).collect(),
        }
    }
}
