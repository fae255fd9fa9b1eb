//! How the user wants to be spoken to.

/// How the product is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: one JSON document on standard output
    Json,
    /// Comma-separated values with a header (slow-queries)
    Csv,
    /// Markdown, for a summary or a comment (slow-queries, verify)
    Markdown,
    /// A page that needs nothing but itself (check)
    Html,
    /// Annotations that GitHub shows beside the code (verify)
    Github,
    /// SARIF 2.1.0, for code scanning (verify)
    Sarif,
    /// JUnit XML, for the test reports of GitLab, Jenkins and others (verify)
    Junit,
    /// A code quality report for GitLab (verify)
    Gitlab,
}

impl Format {
    /// The name that the user says.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Github => "github",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Gitlab => "gitlab",
        }
    }
}

/// How much is said besides the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Nothing when all is well.
    Quiet,
    /// What a person at a terminal wants to know.
    #[default]
    Normal,
    /// Also what is as it should be, and the statements.
    Verbose,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How the user wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputOptions {
    /// The product's format.
    pub format: Format,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Colours.
    pub color: Color,
    /// No progress bars.
    pub no_progress: bool,
    /// Events as JSON lines on standard error, instead of narration.
    pub events: bool,
}
