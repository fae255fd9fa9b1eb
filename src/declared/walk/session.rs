//! A text's statements, as far as they concern declarations.

use crate::declared::check::Problem;
use crate::declared::passed::Passed;
use crate::declared::statement::Class;
use crate::declared::{Source, psql};

/// A statement that concerns declarations.
pub struct KeptStatement {
    pub class: Class,
    pub text: Box<str>,
    pub source: Source,
    pub has_rows: bool,
}

/// Keeps of a text's statements those that concern declarations.
#[derive(Default)]
pub struct DeclarationSession {
    pub(super) kept: Vec<KeptStatement>,
    pub(super) problems: Vec<Problem>,
}

impl DeclarationSession {
    /// Takes the next statement.
    pub fn hear(&mut self, statement: &psql::PsqlStatement<'_>, passed: &mut Passed) {
        let class = Class::of(&statement.text);
        let psql::PsqlStatement { text, source, has_rows, variable, .. } = statement;
        if let Some(variable) = variable.filter(|_| class != Class::Data) {
            let message =
                format!("`{variable}` is a variable of psql, whose value pgtend cannot know");
            let problem = Problem::new(source, message);
            self.problems
                .push(problem.hint("write the value into the file, or make the file first"));
            return;
        }
        if matches!(class, Class::Data | Class::Other) {
            self.problems.extend(passed.statement(source, text, *has_rows));
            return;
        }
        self.kept.push(KeptStatement {
            class,
            text: text.as_ref().into(),
            source: source.clone(),
            has_rows: *has_rows,
        });
    }
}
