//! Attacks Pegbar and prints what came of it.
#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[cfg(target_os = "linux")]
mod arguments;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    arguments::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("skipped: the attacks need Linux");
}
