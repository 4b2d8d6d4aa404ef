"""The processes of this machine: which run, which started which, and how much memory each holds."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One line of `ps`. `resident_bytes` is the memory that it holds, shared pages included."""

    parent: int
    resident_bytes: int
    # the arguments joined by spaces
    command: str


def running() -> dict[int, Process]:
    """Every process that can be seen, by its id. One that has ended and waits for its parent does not run."""
    return _from_proc() if (PROC / "self" / "stat").exists() else _from_ps()


def _from_proc() -> dict[int, Process]:
    """Linux's own files: many containers have no `ps`."""
    found = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # the name in brackets may hold spaces and brackets: what counts comes after the last one
            state, parent, *rest = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
        except OSError:  # ended meanwhile
            continue
        if state not in "ZX":
            # proc_pid_stat(5): rss is field 24, and the state is field 3
            found[int(folder.name)] = Process(int(parent), int(rest[24 - 5]) * page, command)
    return found


def _from_ps() -> dict[int, Process]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,rss=,stat=,command="], capture_output=True, text=True, check=True
    )
    found = {}
    for line in listing.stdout.splitlines():
        pid, parent, kilobytes, state, command = [*line.split(None, 4), ""][:5]
        if not state.startswith("Z"):
            found[int(pid)] = Process(int(parent), int(kilobytes) * 1024, command)
    return found


def with_descendants(pids: Iterable[int], table: dict[int, Process]) -> set[int]:
    """Those of `pids` that run, and everything that they have started."""
    family = {pid for pid in pids if pid in table}
    while True:
        children = {pid for pid, process in table.items() if process.parent in family} - family
        if not children:
            return family
        family |= children


def end(pids: Iterable[int], patience_seconds: float) -> None:
    """Ask the processes to end (SIGTERM), wait for them and for what they started, then kill what is left."""
    table = running()
    # a process ends its own children, in its own order
    wanted = {pid for pid in pids if pid in table}
    heads = {pid for pid in wanted if table[pid].parent not in wanted}
    family = with_descendants(heads, table)
    # a number that another process gets meanwhile is not ours to kill
    commands = {pid: table[pid].command for pid in family}
    _send(heads, signal.SIGTERM)
    left = _wait(commands, patience_seconds)
    _send(left, signal.SIGKILL)
    _wait(commands, patience_seconds)


def _wait(commands: dict[int, str], seconds: float) -> set[int]:
    """Those that still run after so long."""
    deadline = time.monotonic() + seconds
    while True:
        table = running()
        left = {pid for pid, command in commands.items() if pid in table and table[pid].command == command}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
