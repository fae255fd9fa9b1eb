//! A throwaway PostgreSQL server: found among the installed ones, made in a temporary directory,
//! reached over a private socket, and gone with the value that stands for it.

pub mod binaries;

pub use binaries::Binaries;
