"""The demo world as raw tables: written when its settings change, kept when they do not."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date

import yaml

from prevalence.engines import warehouse
from prevalence.engines.contract import Column, Table
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.settings import PROJECT, Settings

# Rows of one world: one when it is begun, another when it is complete.
SETTINGS_TABLE = Table(
    name="demo_world_settings",
    schema="raw",
    grain=("settings", "is_complete"),
    written_by=(),
    is_required=False,
    columns=(Column("settings", "string", False), Column("is_complete", "boolean", False)),
)


@dataclass(frozen=True)
class World:
    """Everything that the demo world's rows depend on."""

    seed: int
    interactions: int
    users: int | None
    contents: int | None
    days_per_world: int | None
    start: date
    end: date

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)

    @property
    def variables(self) -> dict:
        return {
            "demo_world": True,
            "demo_world_start_date": self.start.isoformat(),
            "demo_world_end_date": self.end.isoformat(),
            # the truth's blocks of 28 days begin with the world
            "period_anchor_date": self.start.isoformat(),
            "demo_world_seed": self.seed,
            "demo_world_interactions": self.interactions,
            "demo_world_users": self.users,
            "demo_world_contents": self.contents,
            "demo_world_days_per_world": self.days_per_world,
        }

    @property
    def text(self) -> str:
        """The settings and the SQL that turns them into rows, so that a changed generator is a changed world."""
        settings = {name: str(value) for name, value in sorted(asdict(self).items())}
        return json.dumps({**settings, "generator": _generator_hash()}, sort_keys=True)


def default_world() -> World:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    return World(
        seed=variables["demo_world_seed"],
        interactions=variables["demo_world_interactions"],
        users=variables["demo_world_users"],
        contents=variables["demo_world_contents"],
        days_per_world=variables["demo_world_days_per_world"],
        start=date.fromisoformat(variables["demo_world_start_date"]),
        end=date.fromisoformat(variables["demo_world_end_date"]),
    )


def write_world(settings: Settings, world: World, dbt: Dbt) -> str:
    """Write the raw tables and the truth, unless they are complete already; says which."""
    if _state(settings) == (world.text, True):
        return "the world is there already"
    if _state(settings) is not None:
        # Another world's draws and answers would be mixed with this one's. The old one can be written again at will.
        warehouse.erase_demo_world(settings)
    with warehouse.connect(settings) as connection:
        connection.execute(f"create schema if not exists {SETTINGS_TABLE.schema}")
        connection.execute(connection.create_table(SETTINGS_TABLE))
    _say(settings, world, is_complete=False)
    dbt.run("path:demo/raw_world")
    _say(settings, world, is_complete=True)
    return f"{world.interactions:,} interactions, seed {world.seed}"


def answer(dbt: Dbt) -> None:
    """The simulated labelers answer whatever is asked by now: judge, raters and experts."""
    dbt.run("path:demo/labelers")


def _say(settings: Settings, world: World, is_complete: bool) -> None:
    """Add a row: no engine has to change one, and a killed run leaves it out or leaves it whole."""
    with warehouse.connect(settings) as connection:
        row = f"{connection.literal(world.text)}, {connection.literal(is_complete)}"
        connection.execute(f"insert into {SETTINGS_TABLE.relation} values ({row})")


def _state(settings: Settings) -> tuple[str, bool] | None:
    if not warehouse.exists(settings):
        return None
    with warehouse.connect(settings) as connection:
        if not connection.relation_type(SETTINGS_TABLE.schema, SETTINGS_TABLE.name):
            return None
        # The table and its rows are several statements, so a killed run may have left the table alone.
        ((text, is_complete),) = connection.rows(
            f"select max(settings), bool_or(is_complete) from {SETTINGS_TABLE.relation}"
        )
        return text or "", bool(is_complete)


def _generator_hash() -> str:
    digest = hashlib.sha256()
    paths = [*(PROJECT / "demo" / "raw_world").rglob("*.sql"), *(PROJECT / "demo" / "macros").rglob("*.sql")]
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
