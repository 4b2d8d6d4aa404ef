"""What was sent to an endpoint and what it answered, written down before anything is believed.

One line of JSON for each event, in the order in which they happened:

    {"event": "sent", "custom_id", "attempt", "key", "at"}                       before a request leaves
    {"event": "answered", "custom_id", "attempt", "status", "body", ...}         what came back, as it came
    {"event": "failed", "custom_id", "attempt", "error"}                         nothing came back

A request that was sent and neither answered nor failed was in flight when its process died. It may have been paid for; it is sent
again with the same key, by which an endpoint that knows such keys does not charge twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class State:
    """Where a question stands by its journal."""

    attempt: int = 0
    is_in_flight: bool = False
    # offset of the last answer in the journal, and what was wrong since
    answered_at: int | None = None
    error: str | None = None
    said: str | None = None
    # answers that may come better: cut off, or not in the form that was asked for
    repeats: int = 0
    was_cut_off: bool = False
    is_done: bool = False


class Journal:
    """Appends. A process that is killed loses nothing of it; what is waited for survives a power failure as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _cut_torn_line(path)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._offset = self._file.seek(0, os.SEEK_END)
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None

    def write(self, record: dict[str, Any]) -> int:
        """Returns where the record is."""
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        offset = self._offset
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._offset += len(line)
        return offset

    async def keep(self, record: dict[str, Any]) -> int:
        """As `write`; returns when the record is on the disk. All that wait meanwhile wait for the same fsync."""
        offset = self.write(record)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await asyncio.shield(done)
        return offset

    async def _sync(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            failure: OSError | None = None
            try:
                await asyncio.to_thread(os.fsync, self._file.fileno())
            except OSError as error:
                failure = error
            for done in taken:
                if not done.done():
                    if failure is None:
                        done.set_result(None)
                    else:
                        done.set_exception(failure)

    async def close(self) -> None:
        if self._syncing is not None:
            await asyncio.gather(self._syncing, return_exceptions=True)
        os.fsync(self._file.fileno())
        self._file.close()


def _cut_torn_line(path: Path) -> None:
    """What a process that died wrote of its last line is no line, and must not become the beginning of another."""
    try:
        with open(path, "rb+") as file:
            size = file.seek(0, os.SEEK_END)
            end = size
            while end > 0:
                begin = max(end - 65536, 0)
                file.seek(begin)
                found = file.read(end - begin).rfind(b"\n")
                if found >= 0:
                    end = begin + found + 1
                    break
                end = begin
            if end < size:
                file.truncate(end)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each record with its offset; a line that is not whole is none."""
    if not path.exists():
        return
    offset = 0
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                # what is no JSON is a disk's fault; the question it was about counts as in flight, and is asked again
                with contextlib.suppress(ValueError):
                    yield offset, json.loads(line.decode("utf-8", "surrogatepass"))
            offset += len(line)


def read_at(file: Any, offset: int) -> dict[str, Any]:
    file.seek(offset)
    return json.loads(file.readline().decode("utf-8", "surrogatepass"))
