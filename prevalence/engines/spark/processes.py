"""The processes of this machine: which are ours, what they have started, how much memory they hold, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil


def command_of(process: psutil.Process) -> str:
    """The arguments joined by spaces; empty where it has ended, or is somebody else's who does not tell."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def is_running(pid: int) -> bool:
    """Whether there is such a process. One that has ended and waits for its parent does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def with_descendants(pids: Iterable[int]) -> set[psutil.Process]:
    """Those of `pids` that run, and everything that they have started."""
    found: set[psutil.Process] = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family = {process, *process.children(recursive=True)}
        except psutil.Error:
            continue
        found |= {each for each in family if is_running(each.pid)}
    return found


def resident_bytes(processes: Iterable[psutil.Process]) -> int:
    """The memory that they hold, shared pages included."""
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def end(pids: Iterable[int], patience_seconds: float) -> None:
    """Ask the processes to end (SIGTERM), wait for them and for what they started, then kill what is left.

    A number that another process gets meanwhile is not ours to kill: psutil knows a process by its start as well.
    """
    wanted = set(pids)
    family = with_descendants(wanted)
    for process in family:
        # a process ends its own children, in its own order
        if process.pid in wanted and not wanted & {parent.pid for parent in process.parents()}:
            _send(process.terminate)
    left = _wait(family, patience_seconds)
    for process in left:
        _send(process.kill)
    _wait(left, patience_seconds)


def _wait(processes: set[psutil.Process], seconds: float) -> set[psutil.Process]:
    """Those that still run after so long. Not psutil's own waiting, which takes a child's exit code from whoever started it."""
    deadline = time.monotonic() + seconds
    while True:
        left = {process for process in processes if process.is_running() and is_running(process.pid)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _send(signal: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        signal()
