//! What statements do to settings of the session.

use squawk_syntax::ast::{
    self, AlterDatabaseAction, AlterRoleAction, AlterUserAction, AstNode, ConfigAssignment,
    ConfigParameterRef, DiscardTarget, Expr, FuncArgExpr, ResetConfigParam, ResetTarget, RoleRef,
    RoleRefValue, SetConfigParam, SetScope, SetTarget, Stmt,
};

use crate::declared::text::compact;

/// For whom a change holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// To the end of the session.
    Session,
    /// To the end of the transaction.
    Transaction,
    /// In the sessions that begin afterwards.
    LaterSessions,
}

/// A setting that gets another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// For whom.
    pub holds: Holds,
    /// In lower case; `None`: every setting.
    pub setting: Option<String>,
    /// `None`: the default.
    pub value: Option<String>,
}

/// What the statement changes, as far as it can be read there.
pub fn changes(statement: &Stmt) -> Vec<Change> {
    match statement {
        Stmt::Set(set) => set_statement(set).into_iter().collect(),
        Stmt::Reset(reset) => match reset.reset_target() {
            Some(ResetTarget::All(_)) => vec![reset_to_default(Holds::Session, None)],
            Some(ResetTarget::ConfigParameterRef(setting)) => {
                vec![reset_to_default(Holds::Session, name(&setting))]
            }
            _ => Vec::new(),
        },
        Stmt::Discard(discard) => match discard.discard_target() {
            Some(DiscardTarget::DiscardAll(_)) => vec![reset_to_default(Holds::Session, None)],
            _ => Vec::new(),
        },
        Stmt::Select(select) => select
            .syntax()
            .descendants()
            .filter_map(ast::CallExpr::cast)
            .filter_map(|one| call(&one))
            .collect(),
        _ => defaults(statement).into_iter().collect(),
    }
}

/// The defaults of the database or of every role, or of the role that runs this. Another role's
/// are not those of who migrates, as far as can be known.
fn defaults(statement: &Stmt) -> Option<Change> {
    match statement {
        Stmt::AlterDatabase(alter) => match alter.action()? {
            AlterDatabaseAction::SetConfigParam(set) => set_default(&set),
            AlterDatabaseAction::ResetConfigParam(reset) => Some(reset_default(&reset)),
            _ => None,
        },
        Stmt::AlterRole(alter) if alter.all_token().is_some() || is_self(alter.role_ref()) => {
            match alter.action()? {
                AlterRoleAction::SetConfigParam(set) => set_default(&set),
                AlterRoleAction::ResetConfigParam(reset) => Some(reset_default(&reset)),
                _ => None,
            }
        }
        Stmt::AlterUser(alter) if alter.all_token().is_some() || is_self(alter.role_ref()) => {
            match alter.action()? {
                AlterUserAction::SetConfigParam(set) => set_default(&set),
                AlterUserAction::ResetConfigParam(reset) => Some(reset_default(&reset)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_self(role: Option<RoleRef>) -> bool {
    let value = role.and_then(|role| role.role_ref_value());
    value.is_some_and(|value| !matches!(value, RoleRefValue::RoleNameRef(_)))
}

fn set_statement(set: &ast::Set) -> Option<Change> {
    let holds = match set.set_scope() {
        Some(SetScope::LocalScope(_)) => Holds::Transaction,
        _ => Holds::Session,
    };
    match set.set_target()? {
        SetTarget::SetConfig(config) => {
            let setting = Some(name(&config.config_parameter_ref()?)?);
            Some(Change { holds, setting, value: value(config.config_assignment()?) })
        }
        SetTarget::SetSchemaValue(schema) => {
            let value = schema.literal()?.string_value();
            Some(Change { holds, setting: Some("search_path".to_owned()), value })
        }
        _ => None,
    }
}

fn set_default(set: &SetConfigParam) -> Option<Change> {
    let setting = Some(name(&set.config_parameter_ref()?)?);
    let value = value(set.config_assignment()?);
    Some(Change { holds: Holds::LaterSessions, setting, value })
}

fn reset_default(reset: &ResetConfigParam) -> Change {
    let setting = reset.config_parameter_ref().and_then(|setting| name(&setting));
    reset_to_default(Holds::LaterSessions, setting)
}

fn reset_to_default(holds: Holds, setting: Option<String>) -> Change {
    Change { holds, setting, value: None }
}

fn name(setting: &ConfigParameterRef) -> Option<String> {
    Some(compact(&[setting.path_ref()?.syntax().clone()]).to_lowercase())
}

/// As it is written, a single string without its quotes.
fn value(assignment: ConfigAssignment) -> Option<String> {
    let ConfigAssignment::ToConfigValue(to) = assignment else {
        return None;
    };
    if to.default_token().is_some() {
        return None;
    }
    let values = to.config_values().map(|value| match &value {
        ast::ConfigValue::Literal(literal) => content(literal),
        _ => compact(&[value.syntax().clone()]),
    });
    Some(values.collect::<Vec<_>>().join(", "))
}

/// A string's content, anything else as it is written.
fn content(literal: &ast::Literal) -> String {
    let string = literal.string_value().filter(|content| !content.is_empty());
    string.unwrap_or_else(|| {
        let written = compact(&[literal.syntax().clone()]);
        if written == "''" { String::new() } else { written }
    })
}

/// `set_config('name', 'value', false)`
fn call(call: &ast::CallExpr) -> Option<Change> {
    let function = compact(&[call.expr()?.syntax().clone()]).to_lowercase();
    if !matches!(function.as_str(), "set_config" | "pg_catalog.set_config") {
        return None;
    }
    let arguments = call.arg_list()?.args().map(|argument| match argument.func_arg_expr() {
        Some(FuncArgExpr::Expr(Expr::Literal(literal))) => Some(content(&literal)),
        _ => None,
    });
    let [Some(setting), Some(value), Some(is_local)] = &arguments.collect::<Vec<_>>()[..] else {
        return None;
    };
    let holds = if is_local.eq_ignore_ascii_case("true") {
        Holds::Transaction
    } else {
        Holds::Session
    };
    Some(Change {
        holds,
        setting: Some(setting.to_lowercase()),
        value: Some(value.clone()),
    })
}
