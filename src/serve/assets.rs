//! The style and the script: in the program, under names that change with them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::answer::Kind;
use super::token::hex;
use crate::output::html;

/// A file that pages load.
pub struct Asset {
    stem: &'static str,
    extension: &'static str,
    pub kind: Kind,
    pub text: String,
}

pub static STYLE: LazyLock<Asset> = LazyLock::new(|| Asset {
    stem: "pgtend",
    extension: "css",
    kind: Kind::Style,
    text: format!("{}{}", html::STYLE, include_str!("serve.css")),
});

pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset {
    stem: "pgtend",
    extension: "js",
    kind: Kind::Script,
    text: include_str!("serve.js").to_owned(),
});

impl Asset {
    /// Its address below that of the site.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name())
    }

    fn name(&self) -> String {
        let hash = hex(&Sha256::digest(&self.text)[..8]);
        format!("{}.{hash}.{}", self.stem, self.extension)
    }
}

/// The file of exactly this name.
pub fn named(name: &str) -> Option<&'static Asset> {
    let all: [&'static Asset; 2] = [&STYLE, &SCRIPT];
    all.into_iter().find(|asset| asset.name() == name)
}
