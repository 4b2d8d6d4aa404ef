"""The door to the warehouse: opens the engine that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from prevalence.engines.settings import Settings
from prevalence.engines.warehouse_interface import DEMO_WORLD, Warehouse

# Who keeps the warehouse, by the target of profiles.yml; loaded when it is opened, so that nobody waits for another's library.
KEEPERS = {
    "duckdb": "prevalence.engines.duckdb_warehouse.DuckDb",
    "session": "prevalence.engines.spark.spark_warehouse.Session",
    "thrift": "prevalence.engines.spark.spark_warehouse.Thrift",
}


def _engine(settings: Settings) -> type[Warehouse]:
    module, _, name = KEEPERS[settings.engine].rpartition(".")
    return getattr(import_module(module), name)


@contextmanager
def connect(settings: Settings, read_only: bool = False) -> Iterator[Warehouse]:
    with _engine(settings).open(settings, read_only) as warehouse:
        yield warehouse


def make_ready(settings: Settings) -> None:
    _engine(settings).make_ready(settings)


def release_dbt(settings: Settings) -> None:
    _engine(settings).release_dbt()


def exists(settings: Settings) -> bool:
    return _engine(settings).exists(settings)


def switch_world(settings: Settings, wanted: str) -> str | None:
    return _engine(settings).switch_world(settings, wanted)


def erase_demo_world(settings: Settings) -> None:
    _engine(settings).erase_demo_world(settings)


def holds_demo_world(settings: Settings) -> bool:
    if not exists(settings):
        return False
    with connect(settings) as warehouse:
        return warehouse.world() == DEMO_WORLD
