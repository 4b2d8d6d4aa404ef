"""The labeling folder beside the warehouse: what was asked of whom, what came back, and who is at work in it.

exports/<export_id>/manifest.json    what was asked: format, queue, labeler, hashes; a copy goes out with the files
                    asked.parquet    a row for each question, which stays here
                    send/            what goes out
                    journal.jsonl    what was sent to an endpoint and what it answered (label run)
received/<sha256>/                   the bytes of each file that came back, and what was made of them
boundary_secret                      what the random codes around items are made of
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prevalence.engines.settings import Settings, UserError, display

FOLDER = "PREVALENCE_LABELING_FOLDER"
ASKED, MANIFEST, SEND, JOURNAL, RESULTS = "asked.parquet", "manifest.json", "send", "journal.jsonl", "results.jsonl"
REPORT = "report.json"
# of a million tokens, as somebody named them for a batch
PRICES = "prices.json"
# A question is asked again so often when no answer came for a reason that may pass.
MOST_REPLICATES = 3


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Export:
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def export_id(self) -> str:
        return self.manifest["export_id"]

    @property
    def asked(self) -> Path:
        return self.folder / ASKED

    @property
    def journal(self) -> Path:
        return self.folder / JOURNAL

    @property
    def results(self) -> Path:
        return self.folder / RESULTS

    def sent_files(self, ending: str) -> list[Path]:
        return sorted(path for path in (self.folder / SEND).iterdir() if path.name.endswith(ending))


class Ledger:
    def __init__(self, settings: Settings) -> None:
        named = os.environ.get(FOLDER)
        self.folder = (
            Path(named).expanduser().resolve() if named else settings.chart.with_name(settings.chart.stem + "_labeling")
        )

    @property
    def received(self) -> Path:
        return self.folder / "received"

    def exports(self) -> list[Export]:
        """In the order in which they were made."""
        found = []
        for manifest in sorted(self.folder.glob(f"exports/exp_*/{MANIFEST}")):
            found.append(Export(manifest.parent, json.loads(manifest.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda export: (export.manifest["issued_at"], export.export_id))

    def export(self, export_id: str) -> Export:
        exports = {export.export_id: export for export in self.exports()}
        if export_id not in exports:
            known = ", ".join(exports) or "none yet"
            raise UserError(
                f"There is no export {export_id} in {display(self.folder)}. Remedy: one of {known}; `prevalence label status` "
                "lists them."
            )
        return exports[export_id]

    def reports(self) -> list[dict[str, Any]]:
        """Of every file that was taken in, in the order of their arrival."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in self.received.glob(f"*/{REPORT}")]
        return sorted(found, key=lambda report: (report["imported_at"], report["file_sha256"]))

    def secret(self) -> str:
        """Known here alone, so that nobody who writes a content can guess the code that its item stands between."""
        path = self.folder / "boundary_secret"
        try:
            return path.read_text()
        except FileNotFoundError:
            # whole or not at all: it is linked to its name when it is written
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".boundary_secret.{os.getpid()}.part")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            os.replace(temporary, path)
            return path.read_text()

    @contextmanager
    def alone(self, name: str = "ledger", folder: Path | None = None) -> Iterator[None]:
        """Within, no other process does the same in this folder. A lock that dies with its process."""
        place = folder or self.folder
        place.mkdir(parents=True, exist_ok=True)
        with open(place / f".{name}.lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"Another process is at work in {display(place)}. Remedy: wait until it is done, and run the command again."
                ) from error
            yield

    def keep(self, export_id: str, files: Mapping[str, bytes]) -> Path:
        """An export is there whole or not at all."""
        folder = self.folder / "exports" / export_id
        temporary = folder.with_name(f".{export_id}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        os.replace(temporary, folder)
        return folder


def write_whole(path: Path, content: bytes) -> None:
    """In the place of what was there, whole or not at all, even where the power fails."""
    temporary = path.with_name(f".{path.name}.part")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
