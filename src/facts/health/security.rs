//! Privileges, passwords and row security.

use super::{of_function, of_others, rows, rows_unless_denied};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::{Known, Unavailable};
use crate::pg::database::Server;
use crate::pg::session::Session;

/// Who may get in, and do what.
#[derive(Debug, Clone, Default)]
pub struct Security {
    pub public_schema: Known<Vec<PublicSchema>>,
    pub definer_functions: Known<Vec<DefinerFunction>>,
    pub hba_rules: Known<Vec<HbaRule>>,
    pub md5_roles: Known<Vec<RoleName>>,
    pub superusers: Known<Vec<RoleName>>,
    pub row_security: Known<Vec<RowSecurity>>,
    /// None before PostgreSQL 15, where no view can do otherwise.
    pub views: Known<Option<Vec<RowSecurityView>>>,
    pub unencrypted: Known<Vec<Unencrypted>>,
}

facts_of_columns! {
    /// Who may create objects in the schema public.
    pub struct PublicSchema {
        /// Everybody may.
        pub is_open: bool,
        /// Roles that may log in here and are no superusers.
        pub logins: i64,
    }
}

facts_of_columns! {
    /// A SECURITY DEFINER function that looks names up by the caller's search path.
    pub struct DefinerFunction {
        /// With its arguments' types, as the server quotes it.
        pub object: String,
        /// As the server quotes it.
        pub owner: String,
        pub is_superusers: bool,
    }
}

facts_of_columns! {
    /// A line of pg_hba.conf.
    pub struct HbaRule {
        pub line: i32,
        /// Its words without options.
        pub rule: String,
        /// `local`, `host` …
        pub connection: String,
        pub address: Option<String>,
        pub method: String,
    }
}

facts_of_columns! {
    /// A role.
    pub struct RoleName {
        /// As the server quotes it.
        pub role: String,
    }
}

facts_of_columns! {
    /// A table with row security, or with policies.
    pub struct RowSecurity {
        /// As the server quotes it.
        pub object: String,
        pub is_enabled: bool,
        pub policies: i64,
    }
}

facts_of_columns! {
    /// A view that shows others the rows that row security would hide from them.
    pub struct RowSecurityView {
        /// As the server quotes it.
        pub object: String,
        /// Those with row security, as the server quotes them.
        pub tables: String,
        /// By whose rights it reads, as the server quotes it.
        pub owner: String,
    }
}

facts_of_columns! {
    /// The sessions that come over the network in clear text.
    pub struct Unencrypted {
        pub sessions: i64,
        /// The address of one of them.
        pub client: Option<String>,
    }
}

/// From here on a view can read by the rights of who asks.
const VIEWS_CAN_INVOKE: u32 = 15;

pub(super) async fn load(session: &Session, server: &Server) -> Security {
    let public_schema = include_str!("../../../sql/check/public_schema.sql");
    let definer_functions = include_str!("../../../sql/check/definer_functions.sql");
    let hba_rules = include_str!("../../../sql/check/hba_rules.sql");
    let md5_roles = include_str!("../../../sql/check/md5_roles.sql");
    // A GRANT would show the hashes, so none is named.
    let hashes_hidden = Unavailable::because("only superusers may see how passwords are kept");
    let views = include_str!("../../../sql/check/row_security_views.sql");
    let row_security = include_str!("../../../sql/check/row_security.sql");
    let unencrypted = include_str!("../../../sql/check/unencrypted_sessions.sql");
    Security {
        public_schema: rows(session, public_schema).await,
        definer_functions: rows(session, definer_functions).await,
        hba_rules: of_function(session, server, hba_rules, "pg_hba_file_rules()").await,
        md5_roles: rows_unless_denied(session, md5_roles, hashes_hidden).await,
        superusers: rows(session, include_str!("../../../sql/check/superusers.sql")).await,
        row_security: rows(session, row_security).await,
        views: match server.version.major() < VIEWS_CAN_INVOKE {
            true => Known::Known(None),
            false => rows(session, views).await.map(Some),
        },
        unencrypted: of_others(session, server, unencrypted).await,
    }
}

#[cfg(test)]
impl Security {
    /// Nothing of it could be seen.
    pub fn unseen(why: &Unavailable) -> Self {
        Security {
            public_schema: why.clone().into(),
            definer_functions: why.clone().into(),
            hba_rules: why.clone().into(),
            md5_roles: why.clone().into(),
            superusers: why.clone().into(),
            row_security: why.clone().into(),
            views: why.clone().into(),
            unencrypted: why.clone().into(),
        }
    }
}
