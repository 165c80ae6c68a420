//! How fast is Cedar's own crate on this workload, and how fast are our readers of argument kinds?
//!
//!     agentpdp-bench w2 DIR      decide all requests: {"peer", "rows", "allow", "deny", "nanoseconds"} for one decision
//!     agentpdp-bench load DIR    parse and validate the policies: {"peer", "nanoseconds"} for all of them
//!     agentpdp-bench kinds KIND  read one text of a kind (url, path, email-list): {"nanoseconds"} for one reading
//!
//! `DIR` is what `benches/workloads/export.py` writes; any workload will do for either. One line of JSON is printed. What
//! is wrong goes to the standard error, with exit code 2. Called by `benches/report.py`.
//!
//! Read next: `workload.rs` (what is on disk), `prebuilt.rs` (the same as Cedar's types), `measure.rs` (the clock).

mod failure;
mod kinds;
mod measure;
mod prebuilt;
mod workload;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use failure::Failure;
use workload::Workload;

const USAGE: &str = "call it as `agentpdp-bench w2 DIR`, `agentpdp-bench load DIR` or `agentpdp-bench kinds KIND`";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match answer(&arguments) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("agentpdp-bench: {failure}");
            ExitCode::from(2)
        }
    }
}

fn answer(arguments: &[OsString]) -> Result<serde_json::Value, Failure> {
    let [command, operand] = arguments else { return Err(Failure::new(USAGE)) };
    let directory = Path::new(operand);
    match command.to_str() {
        Some("w2") => measure::decisions(&Workload::read(directory)?),
        Some("load") => measure::loading(&Workload::read_policies(directory)?),
        Some("kinds") => kinds::reading(&operand.to_string_lossy()),
        _ => Err(Failure::new(format!("no command `{}`; {USAGE}", command.display()))),
    }
}
