//! `pgtend plan` and `pgtend apply`: what is declared, compared with the database, and made so.

pub mod apply;
pub mod apply_report;
pub mod plan;
pub mod plan_report;
pub mod undeclared;
