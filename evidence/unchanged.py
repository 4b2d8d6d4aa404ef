"""Whether a warehouse of an older checkout and one of this checkout hold the same rows, under a map of renames.

`python -m prevalence_evidence.unchanged OLD.duckdb NEW.duckdb`: every table and view of the old warehouse is looked up in the
new one under the names that evidence/renames.csv gives. Ids, texts, counts, probabilities and random numbers have to be equal
to the bit; a double that comes out of a sum of doubles may differ by RELATIVE_TOLERANCE, and where it is a difference of such
sums that is nearly nothing, by LAST_BIT. Exit code 1 where something differs.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

RENAMES = Path(__file__).with_name("renames.csv")
RELATIVE_TOLERANCE = 1e-12
# what the sums of shares themselves are rounded by: a double's last bit at 1
LAST_BIT = 2.0**-52
# No double of these layers comes out of a sum of doubles, and neither do the named ones of any other.
EXACT_SCHEMAS = ("raw", "demo_world", "truth", "reference", "staging", "units", "frames", "draws")
EXACT_COLUMNS = (
    *("audit_probability", "design_weight", "inclusion_probability", "overall_inclusion_probability", "random_number"),
)
SUMMED_COLUMNS = ("maximum_overall_weighted_exposure", "missed_weight")


@dataclass(frozen=True)
class Renames:
    """Names of the old checkout and what they are called now; None: gone, for the reason that the file gives."""

    relations: dict[str, str | None]
    columns: dict[str, str | None]
    # which rows of the new relation are those of the old one, where several have become one
    conditions: dict[str, str]

    @classmethod
    def read(cls, path: Path = RENAMES) -> Renames:
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
            short = [row["old"] for row in rows if row["why"] is None]
            if short:
                raise ValueError(f"{path.name}: {', '.join(short)}: a row has kind, old, new, where and why")

        def of_kind(kind: str) -> dict[str, str | None]:
            return {row["old"]: row["new"] or None for row in rows if row["kind"] == kind}

        conditions = {row["old"]: row["where"] for row in rows if row["where"]}
        return cls(of_kind("relation"), of_kind("column"), conditions)

    def relation(self, old: str) -> str | None:
        return self.relations.get(old, old)

    def column(self, old_relation: str, old: str) -> str | None:
        """A rename may be of a column wherever it is, or of one relation's alone, which comes first."""
        return self.columns.get(f"{old_relation}.{old}", self.columns.get(old, old))


@dataclass(frozen=True)
class Finding:
    relation: str
    rows: int
    # None: equal
    difference: str | None


def compare(old: Path, new: Path, renames: Renames) -> Iterator[Finding]:
    """One finding for each relation of the old warehouse."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in (("old", old), ("new", new)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        columns: dict[str, dict[str, dict[str, str]]] = {"old": {}, "new": {}}
        for database, schema, table, column, data_type in connection.execute(
            "select table_catalog, table_schema, table_name, column_name, data_type from information_schema.columns"
            " where table_catalog in ('old', 'new') order by all"
        ).fetchall():
            columns[database].setdefault(f"{schema}.{table}", {})[column] = data_type
        for relation, old_columns in sorted(columns["old"].items()):
            renamed = renames.relation(relation)
            if renamed is None:
                continue
            if renamed not in columns["new"]:
                yield Finding(relation, 0, f"{renamed} is not in the new warehouse, and no rename says where it went")
                continue
            yield _of_relation(connection, relation, renamed, old_columns, columns["new"][renamed], renames)


def _of_relation(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    renamed: str,
    old_columns: dict[str, str],
    new_columns: dict[str, str],
    renames: Renames,
) -> Finding:
    pairs = [(column, renames.column(relation, column), kind) for column, kind in old_columns.items()]
    pairs = [(column, new, kind) for column, new, kind in pairs if new is not None]
    missing = [new for _, new, _ in pairs if new not in new_columns]
    if missing:
        return Finding(relation, 0, f"{renamed} has no column {', '.join(missing)}, and no rename says where it went")

    def is_exact(name: str, kind: str) -> bool:
        if kind != "DOUBLE" or name in EXACT_COLUMNS:
            return True
        return renamed.split(".")[0] in EXACT_SCHEMAS and name not in SUMMED_COLUMNS

    exact = [(column, new) for column, new, kind in pairs if is_exact(new, kind)]
    summed = [(column, new) for column, new, kind in pairs if not is_exact(new, kind)]
    # rows are paired by all that has to be equal; among those that agree in that, the doubles put them in order
    condition = renames.conditions.get(relation, "true")
    for side, source in (("lefthand", f"old.{relation}"), ("righthand", f"new.{renamed} where {condition}")):
        names = [(column if side == "lefthand" else new, new) for column, new in (*exact, *summed)]
        listed = ", ".join(f'"{name}" as "{as_name}"' for name, as_name in names)
        by = ", ".join(f'"{new}"' for _, new in exact) or "1"
        order = ", ".join(f'"{new}"' for _, new in summed) or "1"
        connection.execute(
            f"create or replace temp table {side} as select *, row_number() over (partition by {by} order by {order})"
            f" as _copy from (select {listed} from {source})"
        )
    rows = connection.execute("select count(*) from lefthand").fetchone()[0]
    keys = " and ".join(
        [f'lefthand."{new}" is not distinct from righthand."{new}"' for _, new in exact]
        + ["lefthand._copy = righthand._copy"]
    )
    shown = [
        connection.execute(
            f"select count(*), any_value(cast(row({', '.join(f'{side}.{chr(34)}{new}{chr(34)}' for _, new in exact)})"
            f" as varchar)) from {side} anti join {other} on {keys}"
        ).fetchone()
        for side, other in (("lefthand", "righthand"), ("righthand", "lefthand"))
    ]
    if any(number for number, _ in shown):
        (old_alone, first_old), (new_alone, first_new) = shown
        listed = ", ".join(new for _, new in exact)
        return Finding(
            relation,
            rows,
            f"{old_alone:,} rows are in the old warehouse alone and {new_alone:,} in the new; ({listed}) of the first: "
            f"{first_old} and {first_new}",
        )
    wrong = {}
    for _, new in summed:
        left, right = f'lefthand."{new}"', f'righthand."{new}"'
        number, worst = connection.execute(
            f"select count(*), max(abs({left} - {right}) / greatest(abs({left}), abs({right}))) from lefthand inner join"
            f" righthand on {keys} where ({left} is null) <> ({right} is null) or abs({left} - {right}) >"
            f" greatest({RELATIVE_TOLERANCE} * greatest(abs({left}), abs({right})), {LAST_BIT})"
        ).fetchone()
        if number:
            wrong[new] = f"{new} in {number:,} (largest relative difference {worst})"
    return Finding(relation, rows, f"differ: {', '.join(wrong.values())}" if wrong else None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    renames = Renames.read()
    findings = list(compare(options.old, options.new, renames))
    for finding in findings:
        if finding.difference:
            print(f"{finding.relation}: {finding.difference}")
    differing = sum(finding.difference is not None for finding in findings)
    gone = ", ".join(sorted(name for name, new in renames.relations.items() if new is None)) or "none"
    print(
        f"{len(findings)} relations with {sum(finding.rows for finding in findings):,} rows compared, {differing} differ; "
        f"doubles out of sums to {RELATIVE_TOLERANCE:g}, all else to the bit; gone by the map of renames: {gone}"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
