//! Attacks on Pegbar: each promise, tried by breaking everything around the library, and a check
//! of what is left.
//!
//! An attack (`attack.rs`) works on copies of a small studio (`site.rs`), mostly through a victim:
//! this program again, doing one operation (`operation.rs`), traced (`trace.rs`). What is left is
//! looked at in one room (`check.rs`). All of it is for Linux; elsewhere nothing can be traced.
#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[cfg(target_os = "linux")]
pub mod attack;
#[cfg(target_os = "linux")]
pub mod check;
#[cfg(target_os = "linux")]
pub mod cluster;
#[cfg(target_os = "linux")]
pub mod disk;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
pub mod operation;
#[cfg(target_os = "linux")]
pub mod random;
#[cfg(target_os = "linux")]
pub mod site;
pub mod trace;
#[cfg(target_os = "linux")]
pub mod victim;

/// What went wrong, in words.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A result with a failure in words.
pub type Result<T> = std::result::Result<T, Error>;

/// Runs something on a runtime of its own, with one thread.
///
/// # Errors
/// Where no runtime can be made, and what it returns.
pub fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(future)
}

/// Runs something on a runtime with several threads, where tasks come into each other's way.
///
/// # Errors
/// Where no runtime can be made, and what it returns.
pub fn block_on_threads<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()?;
    runtime.block_on(future)
}
