//! The blocks of a Prisma schema, as they are written.

use std::path::Path;
use std::sync::Arc;

use super::lexer::{self, PrismaToken, PrismaTokenKind};
use crate::declared::Source;
use crate::declared::check::Problem;

/// Values within values are read so deep; nobody writes that.
const DEEPEST: usize = 32;

type Parsed<T> = Result<T, Problem>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    Model,
    View,
    Datasource,
    /// What has no table: enums, composite types, generators.
    Other,
}

#[derive(Debug)]
pub struct Block {
    pub kind: BlockKind,
    pub name: String,
    pub fields: Vec<PrismaField>,
    /// Those that begin with `@@`.
    pub attributes: Vec<Attribute>,
    /// `name = value` of datasources and generators.
    pub settings: Vec<(String, PrismaValue)>,
    pub source: Source,
}

#[derive(Debug)]
pub struct PrismaField {
    pub name: String,
    /// The name of its type.
    pub of: String,
    pub is_list: bool,
    pub attributes: Vec<Attribute>,
    pub source: Source,
}

#[derive(Debug)]
pub struct Attribute {
    /// Without the `@`.
    pub name: String,
    pub arguments: Vec<Argument>,
    pub source: Source,
}

#[derive(Debug)]
pub struct Argument {
    pub name: Option<String>,
    pub value: PrismaValue,
    pub source: Source,
}

#[derive(Debug)]
pub enum PrismaValue {
    Text(String),
    Number(String),
    /// A name, also `true`, `false` and `null`.
    Name(String),
    Call(String, Vec<Argument>),
    List(Vec<PrismaValue>),
    Object(Vec<(String, PrismaValue)>),
}

impl Attribute {
    /// The argument of that name.
    pub fn named(&self, name: &str) -> Option<&PrismaValue> {
        let mut arguments = self.arguments.iter();
        let found = arguments.find(|argument| argument.name.as_deref() == Some(name))?;
        Some(&found.value)
    }

    /// The argument that has no name, or this one.
    pub fn first_or(&self, name: &str) -> Option<&PrismaValue> {
        let mut arguments = self.arguments.iter();
        let first = arguments.find(|argument| argument.name.is_none());
        first.map(|argument| &argument.value).or_else(|| self.named(name))
    }
}

impl PrismaValue {
    pub fn text(&self) -> Option<&str> {
        match self {
            PrismaValue::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The attribute of that name, without the `@`.
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name == name)
}

/// The blocks of a file.
///
/// # Errors
/// At the first place that is no Prisma schema, with what was expected there.
pub fn blocks(text: &str, file: &Arc<Path>) -> Parsed<Vec<Block>> {
    let mut parser = Parser { tokens: lexer::tokens(text, file)?, at: 0, depth: 0, file };
    let mut blocks = Vec::new();
    loop {
        parser.skip_lines();
        if parser.peek().kind == PrismaTokenKind::End {
            return Ok(blocks);
        }
        blocks.push(parser.block()?);
    }
}

struct Parser<'t> {
    tokens: Vec<PrismaToken<'t>>,
    at: usize,
    depth: usize,
    file: &'t Arc<Path>,
}

impl<'t> Parser<'t> {
    fn block(&mut self) -> Parsed<Block> {
        let source = self.source();
        let keyword = self.peek().text;
        let (kind, has_settings) = match keyword {
            "model" => (BlockKind::Model, false),
            "view" => (BlockKind::View, false),
            "enum" | "type" => (BlockKind::Other, false),
            "datasource" => (BlockKind::Datasource, true),
            "generator" => (BlockKind::Other, true),
            _ => return self.expected("model, view, enum, type, datasource or generator"),
        };
        self.at += 1;
        let name = self.word(&format!("a name for the {keyword}"))?;
        self.symbol('{')?;
        let mut block = Block {
            kind,
            name,
            fields: Vec::new(),
            attributes: Vec::new(),
            settings: Vec::new(),
            source,
        };
        loop {
            self.skip_lines();
            if self.eats('}') {
                return Ok(block);
            }
            match self.peek().kind {
                PrismaTokenKind::Word if has_settings => block.settings.push(self.setting()?),
                PrismaTokenKind::Word => block.fields.push(self.field(keyword == "enum")?),
                PrismaTokenKind::Symbol('@') if !has_settings => {
                    let source = self.source();
                    self.at += 1;
                    self.symbol('@')?;
                    block.attributes.push(self.attribute(source)?);
                }
                _ if has_settings => return self.expected("a setting or `}`"),
                _ => return self.expected("a field, an attribute that begins with @@, or `}`"),
            }
            if !matches!(self.peek().kind, PrismaTokenKind::Newline | PrismaTokenKind::Symbol('}'))
            {
                return self.expected("the end of the line");
            }
        }
    }

    fn setting(&mut self) -> Parsed<(String, PrismaValue)> {
        let name = self.word("a setting")?;
        self.symbol('=')?;
        Ok((name, self.value()?))
    }

    fn field(&mut self, is_of_enum: bool) -> Parsed<PrismaField> {
        let source = self.source();
        let name = self.word("a field")?;
        let mut field = PrismaField {
            of: String::new(),
            is_list: false,
            attributes: Vec::new(),
            name,
            source,
        };
        if !is_of_enum {
            field.of = self.word(&format!("the type of the field {}", field.name))?;
            if self.eats('(') {
                self.arguments()?;
            }
            if self.eats('[') {
                self.symbol(']')?;
                field.is_list = true;
            }
            self.eats('?');
        }
        while self.peek().kind == PrismaTokenKind::Symbol('@') {
            let source = self.source();
            self.at += 1;
            field.attributes.push(self.attribute(source)?);
        }
        Ok(field)
    }

    /// Behind its `@`.
    fn attribute(&mut self, source: Source) -> Parsed<Attribute> {
        let name = self.path("the name of an attribute")?;
        let arguments = if self.eats('(') { self.arguments()? } else { Vec::new() };
        Ok(Attribute { name, arguments, source })
    }

    /// Behind the parenthesis that opens.
    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        self.items(')', |parser| {
            let source = parser.source();
            let is_named = parser.peek().kind == PrismaTokenKind::Word
                && parser.tokens[parser.at + 1].kind == PrismaTokenKind::Symbol(':');
            let name = is_named.then(|| parser.peek().text.to_owned());
            parser.at += if is_named { 2 } else { 0 };
            Ok(Argument { name, value: parser.value()?, source })
        })
    }

    /// What stands between commas, over as many lines as it takes.
    fn items<T>(&mut self, end: char, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.eats(end) {
                return Ok(items);
            }
            items.push(item(self)?);
            self.skip_lines();
            if !self.eats(',') && self.peek().kind != PrismaTokenKind::Symbol(end) {
                return self.expected(&format!("`,` or `{end}`"));
            }
        }
    }

    fn value(&mut self) -> Parsed<PrismaValue> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::new(&self.source(), "values are nested too deep here"));
        }
        self.skip_lines();
        let token = self.peek().clone();
        let value = match token.kind {
            PrismaTokenKind::Text(text) => {
                self.at += 1;
                PrismaValue::Text(text)
            }
            PrismaTokenKind::Number => {
                self.at += 1;
                PrismaValue::Number(token.text.to_owned())
            }
            PrismaTokenKind::Symbol('[') => {
                self.at += 1;
                PrismaValue::List(self.items(']', Self::value)?)
            }
            PrismaTokenKind::Symbol('{') => {
                self.at += 1;
                PrismaValue::Object(self.items('}', |parser| {
                    let name = parser.word("a field")?;
                    parser.symbol(':')?;
                    Ok((name, parser.value()?))
                })?)
            }
            PrismaTokenKind::Word => {
                let name = self.path("a value")?;
                match self.eats('(') {
                    true => PrismaValue::Call(name, self.arguments()?),
                    false => PrismaValue::Name(name),
                }
            }
            _ => return self.expected("a value"),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn path(&mut self, what: &str) -> Parsed<String> {
        let mut path = self.word(what)?;
        while self.eats('.') {
            path.push('.');
            path.push_str(&self.word(what)?);
        }
        Ok(path)
    }

    fn word(&mut self, what: &str) -> Parsed<String> {
        if self.peek().kind != PrismaTokenKind::Word {
            return self.expected(what);
        }
        let word = self.peek().text.to_owned();
        self.at += 1;
        Ok(word)
    }

    fn symbol(&mut self, symbol: char) -> Parsed<()> {
        match self.eats(symbol) {
            true => Ok(()),
            false => self.expected(&format!("`{symbol}`")),
        }
    }

    fn eats(&mut self, symbol: char) -> bool {
        let is = self.peek().kind == PrismaTokenKind::Symbol(symbol);
        self.at += usize::from(is);
        is
    }

    fn skip_lines(&mut self) {
        while self.peek().kind == PrismaTokenKind::Newline {
            self.at += 1;
        }
    }

    /// The last token is the end, and nobody reads past it.
    fn peek(&self) -> &PrismaToken<'t> {
        &self.tokens[self.at]
    }

    fn source(&self) -> Source {
        let PrismaToken { line, column, .. } = *self.peek();
        Source { file: Arc::clone(self.file), line, column }
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        let token = self.peek();
        let found = match token.kind {
            PrismaTokenKind::End => "the file ends".to_owned(),
            PrismaTokenKind::Newline => "the line ends".to_owned(),
            _ => format!("`{}` stands there", token.text),
        };
        Err(Problem::new(&self.source(), format!("expected {what}, but {found}")))
    }
}
