"""dbt in this process: one start for the whole run, no output but what a person needs."""

from __future__ import annotations

import json
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import date

from prevalence.engines import duckdb_warehouse, warehouse
from prevalence.engines.settings import PROJECT, Settings, UserError, display

_FAILED = {"error", "fail", "runtime error"}


class BuildError(UserError):
    """Nodes of a dbt command failed; says which and why."""


@dataclass(frozen=True)
class Window:
    """The days that are measured: the first, and the one after the last."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def project_variable(name: str) -> float:
    """A number among the vars of dbt_project.yml."""
    import yaml

    return float(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"][name])


class Dbt:
    """Runs dbt commands with one set of vars, so that the project is parsed once.

    The days that are worked on are no var: with others dbt would parse the project again.
    """

    def __init__(self, settings: Settings, window: Window | None, variables: dict, threads: int | None) -> None:
        self.settings = settings
        self.windows: tuple[Window, ...] = (window,) if window else ()
        self.threads = threads
        self.variables = variables
        # dbt's own description of the project, read once: parts of one run share it (see _parsed)
        self._manifests: list = []

    def within(self, window: Window) -> Dbt:
        """The same project, of which only the days of `window` are built anew."""
        part = copy(self)
        part.windows = (window,)
        return part

    @property
    def window(self) -> Window:
        """The days that are built, where they are one stretch."""
        (window,) = self.windows
        return window

    def seed(self) -> None:
        self._invoke(["seed"])

    def run(self, *chosen: str, selector: str | None = None) -> None:
        """Build the models of `selector` (selectors.yml), or those that dbt's --select chooses, without tests."""
        selection = ["--selector", selector] if selector else ["--select", *chosen]
        self._invoke(["run", *selection, *self._event_time()])

    def build(self, selector: str) -> None:
        """Build the nodes of a step (selectors.yml) and run the tests of their rows whose inputs exist by now.

        Unit tests are about the SQL, which is not different today: `make test` runs them.
        """
        self._invoke(["build", "--selector", selector, "--exclude-resource-type", "unit_test", *self._event_time()])

    def build_days(self, selector: str) -> None:
        """As `build`, for a step with models that are built day by day: each stretch of days, and then all else and the tests; all
        else alone where there is no day to build (the selector's name and `_of_no_day`)."""
        for window in self.windows[:-1]:
            self.within(window).run(selector=selector)
        if self.windows:
            self.within(self.windows[-1]).build(selector)
        else:
            self.build(f"{selector}_of_no_day")

    def compiled(self, analysis: str) -> str:
        """The SQL of an analysis, as this engine reads it."""
        outcome = self._invoke(["compile", "--select", analysis, "--no-introspect", "--no-populate-cache"])
        (result,) = outcome.results
        return result.node.compiled_code

    def expression(self, text: str) -> str:
        """The SQL of an expression of macros, as this engine reads it."""
        outcome = self._invoke(["compile", "--inline", text, "--no-introspect", "--no-populate-cache"])
        (result,) = outcome.results
        return str(result.node.compiled_code).strip()

    def manifest(self):
        """dbt's own description of the project under these vars: nodes with their relations, columns and grains."""
        return self._parsed()

    def _parsed(self):
        """The manifest, parsed once: without it each command of a run would read the whole project again (half a second)."""
        if not self._manifests:
            self._manifests.append(self._invoke(["parse"]))
        return self._manifests[0]

    def _event_time(self) -> list[str]:
        # Always both ends: dbt would otherwise work through every day up to the one on the clock.
        if not self.windows:
            return []
        return [
            *["--event-time-start", self.windows[-1].start.isoformat()],
            *["--event-time-end", self.windows[-1].end.isoformat()],
        ]

    def _invoke(self, command: list[str]):
        """Run the command; returns what dbt gives back for it. Raises BuildError when any node fails."""
        from dbt.cli.main import dbtRunner

        warehouse.make_ready(self.settings)
        manifest = None if command[0] == "parse" else self._parsed()
        # one session is one thread's: profiles.yml says so, and nothing else is possible
        is_free = self.settings.engine != "session"
        threads = ["--threads", str(self.threads)] if self.threads and is_free else []
        arguments = [
            *["--log-level", "none", "--log-level-file", "info", "--no-use-colors"],
            # the manifest is a second of writing for each step, and nothing here reads it
            "--no-write-json",
            *command,
            *["--target", self.settings.engine],
            *threads,
            *["--vars", json.dumps(self.variables, sort_keys=True, default=str)],
        ]
        said: list[str] = []

        def hear(event) -> None:
            if event.info.level == "error":
                said.append(event.info.msg)

        try:
            with _quiet():
                outcome = dbtRunner(manifest=manifest, callbacks=[hear]).invoke(arguments)
        finally:
            warehouse.release_dbt(self.settings)
        if isinstance(outcome.exception, KeyboardInterrupt):
            raise KeyboardInterrupt
        results = getattr(outcome.result, "results", None) or []
        failures = [result for result in results if str(result.status) in _FAILED]
        if outcome.success and not failures:
            return outcome.result
        raise BuildError(self._explain(command[0], failures, outcome.exception, said))

    def _explain(self, command: str, failures: list, exception, said: list[str]) -> str:
        messages = [
            f"  - {result.node.resource_type} {result.node.name}: {_first_lines(_message(result, said))}"
            for result in failures
        ]
        if exception is not None:
            messages.append(f"  - {_first_lines(str(exception))}")
        text = "\n".join(messages)
        if duckdb_warehouse.held_elsewhere(text):
            return duckdb_warehouse.explain(self.settings.warehouse, text)
        lines = [
            f"dbt {command} failed; what was finished before stays, and the same command goes on from there.",
            text,
            duckdb_warehouse.remedy_of(text),
            f"The whole log: {display(self.settings.dbt_log)}",
        ]
        return "\n".join(line for line in lines if line)


def _message(result, said: list[str]) -> str | None:
    """What went wrong with a node. Of a model that is built day by day dbt keeps the word ERROR alone; the reason is said
    in passing, on the way to the log."""
    if result.message != "ERROR":
        return result.message
    reasons = [text for text in said if f"in model {result.node.name} " in text]
    return max(reasons, key=len, default=result.message)


def _first_lines(message: str | None) -> str:
    lines = [line.strip() for line in (message or "no message").splitlines()]
    return " ".join(line for line in lines if line)[:600]


@contextmanager
def _quiet():
    """Keep what dbt and its libraries print in passing away from the progress lines."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        yield
