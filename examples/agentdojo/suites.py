"""What the benchmark's package gives: prompts, tool lists, environments, ground truth, judges.

Nothing else here imports the package. Its texts contain prompt injections: they are data.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

warnings.filterwarnings("ignore")

from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime  # noqa: E402
from agentdojo.task_suite.load_suites import get_suite  # noqa: E402

NAMES = ("banking", "travel")
VERSION = "v1.2.2"
Json = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A user task or an injection task of a suite."""

    id: str
    number: int
    prompt: str
    task: Any


class World:
    """One environment in which calls are executed, and by which the suite judges what was done."""

    def __init__(self, suite: Suite, environment: Any) -> None:
        self._suite = suite
        self._before = environment.model_copy(deep=True)
        self._now = environment
        self._done: list[Any] = []

    def execute(self, function: str, arguments: Mapping[str, Any]) -> str | None:
        """Run a tool of the suite; what went wrong, if anything did."""
        self._done.append(FunctionCall(function=function, args=dict(arguments)))
        runtime = FunctionsRuntime(self._suite.package.tools)
        return runtime.run_function(self._now, function, dict(arguments))[1]

    def calls_of(self, task: Task) -> list[tuple[str, Json]]:
        """The task's ground truth."""
        return [(each.function, dict(each.args)) for each in task.task.ground_truth(self._before)]

    def is_done(self, task: Task, output: str | None = None) -> bool:
        """Whether the suite says that the task was done, going by what was executed here."""
        said = task.task.GROUND_TRUTH_OUTPUT if output is None else output
        text = [{"type": "text", "content": said}]
        return bool(
            self._suite.package._check_task_result(
                task.task, text, self._before, self._now, self._done
            )
        )


class Suite:
    """One suite of the benchmark, in one version."""

    def __init__(self, name: str, version: str = VERSION) -> None:
        self.name = name
        self.package = get_suite(version, name)
        self.user_tasks = list(_tasks(self.package.user_tasks, "PROMPT"))
        self.injection_tasks = list(_tasks(self.package.injection_tasks, "GOAL"))

    def tool_list(self) -> Json:
        """The tools as MCP's tools/list returns them."""
        return {
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "inputSchema": tool.parameters.model_json_schema(),
                }
                for tool in self.package.tools
            ]
        }

    def world(self, user_task: Task, injections: Mapping[str, str] | None = None) -> World:
        """A fresh environment, as the user task finds it."""
        environment = self.package.load_and_inject_default_environment(dict(injections or {}))
        return World(self, user_task.task.init_environment(environment))

    def today(self) -> datetime.date:
        """The day that the environment takes for today."""
        environment = self.package.load_and_inject_default_environment({})
        calendar = getattr(environment, "calendar", None)
        return calendar.current_day if calendar is not None else datetime.date.today()


def _tasks(found: Mapping[str, Any], text: str) -> Iterator[Task]:
    numbered = {int(id_.rpartition("_")[2]): (id_, task) for id_, task in found.items()}
    for number, (id_, task) in sorted(numbered.items()):
        yield Task(id_, number, getattr(task, text), task)
