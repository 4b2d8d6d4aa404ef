"""Parquet copies of what is published, beside the warehouse: readers open them while a run works, and never keep it waiting.

Each is written under another name and then takes the place of the older one, whole; who has the older one open reads on in it.
"""

from __future__ import annotations

import os

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, display

# of schema marts
COPIED = ("prevalence", "prevalence_v2", "headline_prevalence")


def write_copies(settings: Settings) -> str:
    """Write the copies; returns where they are. Tables of Spark are Parquet themselves, and need none."""
    if settings.engine != "duckdb":
        return "tables of Spark are Parquet files themselves"
    folder = settings.published_copies
    folder.mkdir(parents=True, exist_ok=True)
    with warehouse.connect(settings, read_only=True) as connection:
        for name in COPIED:
            part = folder / f"{name}.parquet.part"
            connection.execute(connection.export(f"marts.{name}", str(part).replace("'", "''")))
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(folder / f"{name}.parquet")
    return f"copies for readers: {display(folder)}"
