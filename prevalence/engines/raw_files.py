"""The files of a raw folder: which are read, which are skipped by name, and whether they are what was landed.

A file is read because it is in the list, never because a pattern matches it, so that both engines read the same ones.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

# Enough files to find the mistake by; a thousand of them would hide it.
NAMED_FILES = 3
ENDING = ".parquet"


@dataclass(frozen=True)
class Landed:
    """A row of raw.landed_files."""

    table_name: str
    file_path: str
    size_bytes: int
    modified_nanoseconds: int
    sha256: str
    # None until it is written down
    landed_at: object = None

    def is_untouched(self) -> bool:
        """Whether size and time are as they were: as good as a proof that nobody wrote to the file, for no reading."""
        try:
            return (self.size_bytes, self.modified_nanoseconds) == size_and_time(Path(self.file_path))
        except OSError:
            return False

    def condition(self) -> str | None:
        """What has become of the file since; None where its bytes are what they were."""
        if self.is_untouched():
            return None
        try:
            size, _ = size_and_time(Path(self.file_path))
            if size != self.size_bytes:
                return f"has changed since it was landed ({self.size_bytes:,} bytes then, {size:,} now)"
            return None if sha256(Path(self.file_path)) == self.sha256 else "has changed since it was landed"
        except FileNotFoundError:
            return "is gone"
        except OSError as error:
            return f"cannot be read any more ({error.strerror})"


@dataclass
class Found:
    """What lies below one folder, or one file, in the order of names."""

    paths: list[Path] = field(default_factory=list)
    # hidden, or not finished by who writes them
    skipped: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def is_skipped(name: str) -> bool:
    """Spark's rule for what is hidden or unfinished: a dot or an underscore in front, unless it is a partition `_x=1`."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def find(entry: Path) -> Found:
    """The Parquet files of a table: the file itself, or what lies in the folder and in all folders below.

    Links are followed, each folder and file once: rows that are reached by two ways would count twice.
    """
    found = Found()
    parents = [entry.resolve(), *entry.resolve().parents] if entry.is_dir() else []
    seen = {_identity(path): path for path in parents}
    _look_at(entry, found, seen, is_first=True)
    others = [path for path in found.paths if not path.name.endswith(ENDING)]
    if others:
        found.problems.append(
            f"{some_files(others)} would not be read, because the name does not end in {ENDING}. Remedy: rename or remove"
        )
        found.paths = [path for path in found.paths if path not in others]
    if entry.is_dir() and not found.paths and (others or not found.problems):
        skipped = f" (skipped: {some_files(found.skipped)})" if found.skipped else ""
        found.problems.append(
            f"the folder {entry} holds no file that ends in {ENDING}{skipped}. Remedy: write the files there, or remove "
            "the folder where the table is optional"
        )
    return found


def _look_at(path: Path, found: Found, seen: dict[tuple[int, int], Path], is_first: bool = False) -> None:
    if not is_first and is_skipped(path.name):
        found.skipped.append(path)
        return
    try:
        kind = path.stat()
        first = seen.setdefault((kind.st_dev, kind.st_ino), path)
        if first is not path and not is_first:
            found.problems.append(
                f"{path} is {first} once more, by a link: its rows would count twice. Remedy: remove the link"
            )
        elif stat.S_ISDIR(kind.st_mode):
            for below in sorted(path.iterdir()):
                _look_at(below, found, seen)
        elif stat.S_ISREG(kind.st_mode):
            problem = _bad_name(path)
            if problem:
                found.problems.append(problem)
            else:
                found.paths.append(path)
        else:
            found.problems.append(
                f"{path} is {_kind_word(kind.st_mode)} and no file. Remedy: write its rows to a Parquet file"
            )
    except FileNotFoundError:
        found.problems.append(f"{path} is a link to nothing. Remedy: remove the link, or bring back what it names")
    except OSError as error:
        found.problems.append(
            f"{path} cannot be read ({error.strerror}). Remedy: give this account the right to read it"
        )


def _bad_name(path: Path) -> str | None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return f"the name {some_files([path])} is not UTF-8. Remedy: rename it"
    if "\\" in str(path) and set("*?[") & set(str(path)):
        return f"the name {path} has a backslash and one of * ? [, which DuckDB cannot be given. Remedy: rename it"
    return None


def _kind_word(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def some_files(paths: list[Path]) -> str:
    named = ", ".join(os.fsencode(path).decode(errors="replace") for path in paths[:NAMED_FILES])
    rest = len(paths) - NAMED_FILES
    return f"{named} and {rest} more files" if rest > 0 else named
