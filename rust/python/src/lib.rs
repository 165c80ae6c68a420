//! The extension module `agentpdp._core`: converts, maps errors, releases the interpreter lock once around a batch.
//!
//! `uid.rs`, `input.rs` and `context.rs` read what Python hands in; `engine.rs` and `batch/` decide; `decision.rs` and
//! `batch/decisions.rs` hand out what was decided; `bundle.rs` loads; `errors.rs` is the one place where failures
//! become exceptions. Deciding itself is in agentpdp-core.

mod arguments;
mod batch;
mod bundle;
mod clock;
mod context;
mod decision;
mod engine;
mod errors;
mod floors;
mod grants;
mod input;
mod replay;
mod room;
mod to_python;
mod uid;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The reason codes, each with its verdict, its stages and what it means.
#[pyfunction]
fn _reasons() -> Vec<(&'static str, &'static str, Vec<&'static str>, &'static str)> {
    use agentpdp_core::decision::{Reason, Stage};
    let stages = |reason: &Reason| reason.stages().iter().copied().map(Stage::name).collect();
    let row = |reason: &Reason| (reason.name(), reason.verdict().name(), stages(reason), reason.meaning());
    Reason::ALL.iter().map(row).collect()
}

/// The codes of findings, each with its severity and what it means.
#[pyfunction]
fn _finding_codes() -> Vec<(&'static str, &'static str, &'static str)> {
    use agentpdp_cedar::finding::Code;
    Code::ALL.iter().map(|code| (code.name(), code.severity().name(), code.meaning())).collect()
}

/// The compiled part of agentpdp.
#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    engine::start_nonces(RandomState::new().hash_one("engine"));
    module.add("_BUILD", env!("AGENTPDP_BUILD"))?;
    module.add_class::<uid::EntityUid>()?;
    module.add_class::<bundle::Bundle>()?;
    module.add_class::<bundle::Finding>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<decision::PolicyError>()?;
    module.add_class::<grants::Grant>()?;
    module.add_class::<grants::approval::ApprovalRequest>()?;
    module.add_class::<grants::call_decisions::CallDecisions>()?;
    module.add_class::<grants::explain::Explanation>()?;
    module.add_class::<batch::Decisions>()?;
    module.add_function(wrap_pyfunction!(floors::_floor_call, module)?)?;
    module.add_function(wrap_pyfunction!(floors::_floor_call_empty, module)?)?;
    module.add_class::<replay::CallReplay>()?;
    module.add_class::<replay::PlayedCalls>()?;
    module.add_function(wrap_pyfunction!(replay::_read_line, module)?)?;
    module.add_function(wrap_pyfunction!(floors::_floor_empty, module)?)?;
    module.add_function(wrap_pyfunction!(floors::_floor_read, module)?)?;
    module.add_function(wrap_pyfunction!(floors::_floor_read_batch, module)?)?;
    module.add_function(wrap_pyfunction!(arguments::_read_arguments, module)?)?;
    module.add_function(wrap_pyfunction!(arguments::_read_kind, module)?)?;
    module.add_function(wrap_pyfunction!(arguments::_canonical, module)?)?;
    module.add_function(wrap_pyfunction!(_reasons, module)?)?;
    module.add_function(wrap_pyfunction!(_finding_codes, module)?)?;
    let after_fork = wrap_pyfunction!(engine::_after_fork, module)?;
    let arguments = PyDict::new(py);
    arguments.set_item("after_in_child", after_fork)?;
    let os = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        os.call_method("register_at_fork", (), Some(&arguments))?;
    }
    Ok(())
}
