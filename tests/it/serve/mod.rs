//! `pgtend serve`.

mod access;
mod client;
mod facts;
mod limits;
mod live;
mod manners;
