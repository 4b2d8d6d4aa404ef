"""One run at a time works on a warehouse: a file beside it says which.

The system itself holds the lock for as long as the process lives, so what a killed run leaves behind locks nobody out: the name in
the file counts for as long as it is held.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prevalence.engines.settings import Settings, UserError, display

# held by this process: a command may start another
_held: set[Path] = set()


@contextmanager
def working_alone(settings: Settings) -> Iterator[None]:
    """Hold the warehouse's lock; UserError names the run that has it."""
    path = settings.run_lock
    if path in _held:
        yield
        return
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The file {display(path)}, which keeps two runs from working at once, cannot be written ({error.strerror}). Remedy: "
            "give this account the right to write in the folder of the warehouse, or set PREVALENCE_DUCKDB_PATH to a place where it has."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "a process that has not said its name yet"
            raise UserError(
                f"Another run works on the warehouse {settings.place}: {holder}. Two at once would work on the same days. Remedy: "
                "wait until it has ended, or end it; then run the command again, which goes on from there."
            ) from error
        _held.add(path)
        try:
            file.truncate(0)
            file.write(f"process {os.getpid()} ({_command()})\n")
            file.flush()
            yield
        finally:
            _held.discard(path)
            file.truncate(0)


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
