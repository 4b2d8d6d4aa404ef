"""The input contract, read from the dbt sources that declare it, so that it is written down once."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from prevalence.engines.settings import PROJECT

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

_INTEGERS = "TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT"
# What a file may hold for each type of the contract. Text is never read as a number or a time: that would be a guess.
_ACCEPTED = {
    "string": r"VARCHAR|ENUM\(.*\)|UUID",
    "bigint": _INTEGERS,
    "double": rf"FLOAT|DOUBLE|DECIMAL\(.*\)|{_INTEGERS}",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": r"DATE|TIMESTAMP|TIMESTAMP_(S|MS|NS)|TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS",
}
# A column of nothing but nulls, as data frame libraries write it: nothing in it can be read wrongly.
UNTYPED = '"NULL"'

# where the models of demo/raw_world and demo/labelers are, besides `raw`
_DEMO_SCHEMAS = ("demo_world", "truth")


@dataclass(frozen=True)
class Column:
    name: str
    data_type: str
    is_nullable: bool
    # may be left out, and is null then
    is_optional: bool = False

    @property
    def duckdb_type(self) -> str:
        return DUCKDB_TYPES[self.data_type]

    def accepts(self, found: str) -> bool:
        """Whether a column of DuckDB type `found` can be read as this one without guessing."""
        return found == UNTYPED or re.fullmatch(_ACCEPTED[self.data_type], found) is not None


@dataclass(frozen=True)
class Table:
    name: str
    schema: str
    grain: tuple[str, ...]
    # columns whose values name the rows that are written together and replaced together; none: all of them
    written_by: tuple[str, ...]
    is_required: bool
    columns: tuple[Column, ...] = field(repr=False)

    @property
    def relation(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def create_empty(self) -> str:
        """A statement for every engine: their names of the contract's types are the contract's own."""
        columns = ", ".join(f"{column.name} {column.data_type}" for column in self.columns)
        return f"create table {self.relation} ({columns})"

    @property
    def select_nothing(self) -> str:
        """No row in the table's columns and types, for every engine."""
        columns = ", ".join(f"cast(null as {column.data_type}) as {column.name}" for column in self.columns)
        return f"select {columns} where 1 = 0"


@dataclass
class Files:
    """The Parquet files of one table, grouped by the columns and DuckDB types that they hold."""

    table: Table
    # the file, or the folder with everything below it
    entry: Path
    # files without rows are in no group
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = field(default_factory=dict)
    # every file, whether it has rows or not
    paths: list[Path] = field(default_factory=list)


def _meta(node: dict) -> dict:
    return (node.get("config") or {}).get("meta") or {}


@cache
def read_contract(path: Path) -> tuple[Table, ...]:
    """Every table that the sources in one YAML file declare."""
    tables = []
    for source in yaml.safe_load(path.read_text())["sources"]:
        for table in source["tables"]:
            tables.append(
                Table(
                    name=table["name"],
                    schema=source.get("schema", source["name"]),
                    grain=tuple(_meta(table).get("grain", ())),
                    written_by=tuple(_meta(table).get("written_by", ())),
                    is_required=bool(_meta(table).get("required", False)),
                    columns=tuple(
                        Column(
                            name=column["name"],
                            data_type=column["data_type"],
                            is_nullable=bool(_meta(column).get("nullable", False)),
                            is_optional=bool(_meta(column).get("optional", False)),
                        )
                        for column in table.get("columns", ())
                    ),
                )
            )
    return tuple(tables)


def raw_tables() -> tuple[Table, ...]:
    return read_contract(PROJECT / "models" / "staging" / "_sources.yml")


def landing_tables() -> tuple[Table, ...]:
    """Tables that `prevalence land` fills itself."""
    return read_contract(PROJECT / "models" / "staging" / "_landed.yml")


def gate_tables() -> tuple[Table, ...]:
    return read_contract(PROJECT / "models" / "quality" / "_sources.yml")


def read_back_tables() -> tuple[Table, ...]:
    """Tables of models that earlier layers read as earlier runs left them."""
    models = PROJECT / "models"
    return (
        *read_contract(models / "staging" / "_earlier_days.yml"),
        *read_contract(models / "frames" / "_sources.yml"),
        *(table for table in read_contract(models / "draws" / "replays" / "_sources.yml") if table.columns),
        *(table for table in read_contract(models / "quality" / "seals" / "_sources.yml") if table.columns),
    )


def project_schemas() -> list[str]:
    """Every schema that the project writes to."""
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    # a layer's folder, group and schema have one name; what is drawn again has a schema beside its layer's
    layers = ["replays", *(name for name in project["models"]["prevalence"] if not name.startswith("+"))]
    contracts = [table.schema for table in (*raw_tables(), *gate_tables())]
    return sorted({*layers, project["seeds"]["prevalence"]["+schema"], *contracts, *_DEMO_SCHEMAS})


def planning_tables() -> tuple[Table, ...]:
    """Tables that `prevalence plan` writes."""
    return read_contract(PROJECT / "models" / "planning" / "_sources.yml")
