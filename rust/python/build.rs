//! Tells the module whether the compiler had a profile, as measured times mean nothing without that.

/// Between two flags, as Cargo hands them over.
const SEPARATOR: char = '\u{1f}';

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let has = |wanted: &str| flags.split(SEPARATOR).any(|flag| flag.contains(wanted));
    let build = match (has("profile-use="), has("profile-generate")) {
        (true, _) => "profile-guided",
        (false, true) => "instrumented",
        (false, false) => "plain",
    };
    println!("cargo::rustc-env=AGENTPDP_BUILD={build}");
}
