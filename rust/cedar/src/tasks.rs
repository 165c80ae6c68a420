//! Which files make which task?
//!
//! `tasks/NAME.toml` says what a task is, `tasks/NAME.cedar` what may be done under it; `tasks/all.cedar` is part of each.
//!
//! Read next: `with_tasks.rs`.

use std::collections::BTreeMap;

use agentpdp_core::tasks::{Digest, TASKS_MAX};
use sha2::{Digest as _, Sha256};

use crate::finding::{Code, Finding};
use crate::task_text::is_task_name;

/// The name under which policies of every task stand.
pub const ALL: &str = "all";

/// The two texts of a task, each with its file's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskFiles<'t> {
    pub(crate) name: &'t str,
    pub(crate) settings: &'t (String, String),
    pub(crate) policies: &'t (String, String),
}

/// The tasks of a bundle by name, and `tasks/all.cedar`.
pub(crate) fn task_files<'t>(
    texts: &'t [(String, String)],
    found: &mut Vec<Finding>,
) -> (Vec<TaskFiles<'t>>, Option<&'t (String, String)>) {
    let mut files: BTreeMap<&str, [Option<&(String, String)>; 2]> = BTreeMap::new();
    let mut all = None;
    for text in texts {
        let path = text.0.as_str();
        let mut find = |code, message: String, advice: &str| {
            found.push(Finding::new(code, &std::sync::Arc::from(path), message, advice));
        };
        let name = path.strip_prefix("tasks/").unwrap_or(path);
        let (name, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
        match (name, suffix) {
            (_, suffix) if !matches!(suffix, "toml" | "cedar") => {
                let message = format!("`{}` is neither a description nor policies of a task", path.escape_debug());
                find(Code::TaskNameInvalid, message, "a task is `tasks/NAME.toml` and `tasks/NAME.cedar`");
            }
            (ALL, "cedar") => all = Some(text),
            (ALL, _) => {
                let message = "`all` names the policies that are part of every task".to_owned();
                find(Code::TaskNameInvalid, message, "give the task another name; `tasks/all.cedar` has no TOML file");
            }
            (name, _) if !is_task_name(name) => {
                let message = format!("`{}` cannot name a task", name.escape_debug());
                find(Code::TaskNameInvalid, message, "a task's name is 1 to 64 of `a-z`, `0-9` and `-`");
            }
            (name, "toml") => files.entry(name).or_default()[0] = Some(text),
            (name, _) => files.entry(name).or_default()[1] = Some(text),
        }
    }
    let mut tasks = Vec::new();
    for (name, pair) in files {
        match pair {
            [Some(settings), Some(policies)] => tasks.push(TaskFiles { name, settings, policies }),
            [Some((path, _)), None] => found.push(Finding::new(
                Code::TaskIncomplete,
                &std::sync::Arc::from(path.as_str()),
                format!("the task `{name}` has no policies"),
                format!("write `tasks/{name}.cedar`: what may be done under the task"),
            )),
            [None, Some((path, _))] => found.push(Finding::new(
                Code::TaskIncomplete,
                &std::sync::Arc::from(path.as_str()),
                format!("the task `{name}` is not described"),
                format!("write `tasks/{name}.toml` with `description`, `lifetime` and `[params]`"),
            )),
            [None, None] => {}
        }
    }
    if tasks.len() > TASKS_MAX {
        let file = std::sync::Arc::from("tasks");
        let message = format!("the bundle has more than {TASKS_MAX} tasks");
        found.push(Finding::new(Code::LimitReached, &file, message, "have fewer"));
        tasks.truncate(TASKS_MAX);
    }
    (tasks, all)
}

/// SHA-256 over `agentpdp.task.v1`, a line end, and the SHA-256 of each text that the task's scope is made of.
pub(crate) fn task_digest(files: &TaskFiles<'_>, all: Option<&(String, String)>) -> Digest {
    let mut digest = Sha256::new();
    digest.update(b"agentpdp.task.v1\n");
    for text in [Some(files.settings), Some(files.policies), all] {
        digest.update(Sha256::digest(text.map_or("", |(_, text)| text)));
    }
    digest.finalize().into()
}
