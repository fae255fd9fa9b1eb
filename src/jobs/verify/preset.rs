//! What a hosting service brings to each of its databases, as stubs that migrations can build on.

use crate::declared::migrations::{Script, Wrapping};

/// Whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// Supabase's roles, schemas, and the tables and functions of auth and storage that migrations name
    Supabase,
}

impl Preset {
    /// What makes it.
    pub fn script(self) -> Script {
        let (name, text) = match self {
            Preset::Supabase => {
                ("<preset supabase>", include_str!("../../../sql/presets/supabase.sql"))
            }
        };
        Script::new(name, 1, text, Wrapping::OneMessage)
    }

    /// What its sessions begin with.
    pub fn settings(self) -> Vec<(String, String)> {
        match self {
            Preset::Supabase => {
                vec![("search_path".to_owned(), "\"$user\", public, extensions".to_owned())]
            }
        }
    }
}
