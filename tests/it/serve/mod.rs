//! `pgtend serve`.

mod access;
mod browser;
mod client;
mod facts;
mod limits;
mod live;
mod manners;
mod metrics;
mod pages;
mod server;
