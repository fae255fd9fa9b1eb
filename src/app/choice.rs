//! What values an option can have: clap refuses others, and shells offer these.

use std::ffi::OsStr;
use std::marker::PhantomData;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error, ValueEnum, ValueHint};

/// Some of the values of an enumeration.
#[derive(Clone)]
pub struct OneOf<E>(Vec<E>);

impl<E: ValueEnum + Clone> OneOf<E> {
    /// Only these.
    pub fn new(values: &[E]) -> Self {
        OneOf(values.to_vec())
    }

    fn possible(&self) -> Vec<PossibleValue> {
        self.0.iter().filter_map(E::to_possible_value).collect()
    }
}

impl<E: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for OneOf<E> {
    type Value = E;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<E, Error> {
        let parser = PossibleValuesParser::new(self.possible());
        let name = parser.parse_ref(command, argument, value)?;
        let named =
            |known: &&E| known.to_possible_value().is_some_and(|it| it.matches(&name, false));
        let found = self.0.iter().find(named).cloned();
        found.ok_or_else(|| Error::new(clap::error::ErrorKind::InvalidValue).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.possible().into_iter()))
    }
}

/// A whole number within bounds.
#[derive(Clone)]
pub struct Whole<T> {
    least: u64,
    most: u64,
    number: PhantomData<T>,
}

impl<T> Whole<T> {
    pub const fn new(least: u64, most: u64) -> Self {
        Whole { least, most, number: PhantomData }
    }

    fn expected(&self) -> String {
        let Whole { least, most, .. } = self;
        match *most {
            u64::MAX => format!("expected a whole number, {least} or more"),
            most => format!("expected a whole number from {least} to {most}"),
        }
    }
}

impl<T: TryFrom<u64> + Clone + Send + Sync + 'static> TypedValueParser for Whole<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, Error> {
        let bounds = self.clone();
        let read = move |text: &str| {
            let number =
                text.parse::<u64>().ok().filter(|it| (bounds.least..=bounds.most).contains(it));
            number.and_then(|it| T::try_from(it).ok()).ok_or_else(|| bounds.expected())
        };
        TypedValueParser::parse_ref(&read, command, argument, value)
    }
}

/// Any text; shells offer some.
#[derive(Clone)]
struct AnyOf(Vec<String>);

impl TypedValueParser for AnyOf {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// An argument that may be any text, for which shells offer these.
pub fn offering<S: ToString>(argument: Arg, values: &[S]) -> Arg {
    let offered = values.iter().map(S::to_string).collect();
    argument.value_parser(AnyOf(offered)).hide_possible_values(true)
}

/// Says for what shells offer files and folders, and for what nothing.
pub fn hinted(argument: Arg) -> Arg {
    let name = argument
        .get_value_names()
        .and_then(|names| names.first())
        .map(ToString::to_string);
    let hint = match name.as_deref() {
        Some("PATH") => ValueHint::AnyPath,
        Some("FILE") => ValueHint::FilePath,
        Some("FOLDER") => ValueHint::DirPath,
        Some(_) if argument.get_action().takes_values() => ValueHint::Other,
        _ => return argument,
    };
    argument.value_hint(hint)
}
