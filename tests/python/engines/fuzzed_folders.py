"""Folders of raw logs as people and tools write them, and as they should not: Parquet files drawn by Hypothesis."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from own_logs import TABLES, label_event

from prevalence.engines.contract import raw_tables

COLUMNS = {table.name: [column.name for column in table.columns] for table in raw_tables()}
TEXTS = st.one_of(
    st.sampled_from(
        [
            *(
                None,
                "",
                " ",
                "\t",
                "\x00",
                "\x1b[31m",
                "i0",
                "i1",
                "I1",
                " i1",
                "c0",
                "c1",
                "harassment",
                "null",
                "None",
                "nan",
            ),
            *(
                "'",
                "''",
                '"',
                "\\",
                "%",
                "_",
                "{{ x }}",
                "{% raw %}",
                "$x$",
                "a|b",
                "a\x1fb",
                "../..",
                "raw[1]",
                "é",
                "e\u0301",
            ),
            *(
                "\U0001f600",
                "\u202e",
                "\u2028",
                "\ufeff",
                "<script>",
                "1",
                "-1",
                "1e309",
                "2026-03-02",
                "true",
                "x" * 5000,
            ),
            *(
                "poisson",
                "logged",
                "lottery",
                "interaction",
                "content_day",
                "user_day",
                "violating",
                "non_violating",
                "ok",
            ),
            *("all_interactions", "v9", "v10", "llm", "sme", "c0|c1", '["c0"]', "c99", "asg_known", "itm_known"),
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
NUMBERS = st.one_of(
    st.sampled_from(
        [None, 0.0, -0.0, 1.0, -1.0, 0.5, 1e-12, 1e-320, 5e-324, 1e308, math.inf, -math.inf, math.nan, 2.0**63]
    ),
    st.floats(),
    st.floats(0, 1),
)
WHOLE = st.one_of(
    st.sampled_from([None, 0, 1, -1, 2, 9, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -(2**63)]), st.integers(-5, 40)
)
# microseconds since 1970: within the days, at their edges, at the ends of calendars, before our era
TIMES = st.one_of(
    st.sampled_from(
        [
            *(None, 0, -1, 1772409600000000, 1772495999999999, 1772496000000000, 1772755200000000, 253402300799999999),
            *(-62135596800000000, -62167219200000000, -62198755200000000, 9223372022400000000 // 1, 4102444800000000),
        ]
    ),
    st.integers(1772409600000000, 1772755200000000),
)
BOOLEANS = st.sampled_from([None, True, False])
TYPES = {
    "string": [
        pa.string(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.binary(),
        pa.int64(),
        pa.null(),
    ],
    "double": [pa.float64(), pa.float32(), pa.decimal128(18, 6), pa.int64(), pa.string(), pa.null()],
    "bigint": [pa.int64(), pa.int32(), pa.uint8(), pa.uint64(), pa.float64(), pa.string(), pa.null()],
    "boolean": [pa.bool_(), pa.int8(), pa.string(), pa.null()],
    "timestamp": [
        *(pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ms"), pa.timestamp("s"), pa.timestamp("us", "UTC")),
        *(pa.timestamp("us", "Europe/Berlin"), pa.date32(), pa.int64(), pa.string(), pa.null()),
    ],
    "date": [pa.date32(), pa.timestamp("us"), pa.string(), pa.null()],
}
VALUES = {"string": TEXTS, "double": NUMBERS, "bigint": WHOLE, "boolean": BOOLEANS, "timestamp": TIMES, "date": TIMES}
NAMES = st.sampled_from(
    [
        *(
            "part-0.parquet",
            "a b.parquet",
            "é.parquet",
            "raw[1].parquet",
            "x*.parquet",
            "'q'.parquet",
            ".hidden.parquet",
        ),
        *(
            "_temporary.parquet",
            "._x.parquet",
            ".part-1.parquet",
            "part=1.parquet",
            "UPPER.PARQUET",
            "notes.txt",
            "_SUCCESS",
        ),
    ]
)


def _plain_rows() -> dict[str, pa.Table]:
    """The good tables, small: every drawn folder begins with them."""
    with duckdb.connect() as connection:
        tables = {
            name: connection.sql(f"select * from ({query}) limit 12").to_arrow_table() for name, query in TABLES.items()
        }
        answer = label_event(
            label_event_id="e1",
            assignment_id="asg_known",
            item_id="itm_known",
            item_hash="h",
            policy_id="harassment",
            policy_version="v",
            pool="sme",
            source="expert",
            label_protocol_id="lp",
            outcome="ok",
            decision="violating",
            submitted_at="2026-03-04",
        )
        tables["label_events"] = connection.sql(answer).to_arrow_table()
        tables["logged_draws"] = connection.sql(
            "select 'logged' as plan_id, 'i' || n as interaction_id, 0.5::double as inclusion_probability from range(4) as r (n)"
        ).to_arrow_table()
        tables["policies"] = connection.sql(
            "select 'harassment' as policy_id, 'v1' as policy_version, 'Harassment' as title, 1.0::double as importance"
        ).to_arrow_table()
    return tables


PLAIN = _plain_rows()


@st.composite
def tables(draw: st.DrawFn, name: str) -> pa.Table:
    """The good table with some cells, columns, rows and types changed."""
    contract = {
        column.name: column.data_type for table in raw_tables() if table.name == name for column in table.columns
    }
    columns: dict[str, list[Any]] = PLAIN[name].to_pydict()
    types = {field.name: field.type for field in PLAIN[name].schema}
    rows = PLAIN[name].num_rows
    for _ in range(draw(st.integers(0, 4))):
        column = draw(st.sampled_from(sorted(columns)))
        columns[column][draw(st.integers(0, rows - 1))] = draw(VALUES[contract.get(column, "string")])
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        column = draw(st.sampled_from(sorted(columns)))
        types[column] = draw(st.sampled_from(TYPES[contract.get(column, "string")]))
    copies = draw(st.lists(st.integers(0, rows - 1), max_size=3))
    columns = {column: [*values, *(values[row] for row in copies)] for column, values in columns.items()}
    change = draw(st.sampled_from(["none"] * 8 + ["drop", "add", "upper", "empty"]))
    column = draw(st.sampled_from(sorted(columns)))
    if change == "drop":
        del columns[column]
    elif change == "add":
        columns["x" + column], types["x" + column] = columns[column], types[column]
    elif change == "upper":
        columns[column.upper()], types[column.upper()] = columns.pop(column), types[column]
    elif change == "empty":
        columns = {column: [] for column in columns}
    return pa.table({column: _array(values, types[column]) for column, values in columns.items()})


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """The values in the type, those that it cannot hold as null: a file of this type would not hold them either."""
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    return pa.concat_arrays([_cell(value, kind) for value in values]) if values else pa.array([], kind)


def _cell(value: Any, kind: pa.DataType) -> pa.Array:
    is_time = pa.types.is_temporal(kind)
    if isinstance(value, datetime.datetime) and not is_time:
        value = value.isoformat() if pa.types.is_string(kind) else int(value.timestamp() * 1e6)
    try:
        if is_time and isinstance(value, int):
            return pa.array([value], pa.int64()).cast(pa.timestamp("us")).cast(kind)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return pa.array([None if value is None else str(value)], kind)
        if pa.types.is_binary(kind):
            return pa.array([None if value is None else str(value).encode()], kind)
        if pa.types.is_dictionary(kind):
            return pa.array([None if value is None else str(value)], pa.string()).dictionary_encode().cast(kind)
        return pa.array([value], kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.nulls(1, kind)


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes | pa.Table]:
    """Files by their place in the folder."""
    files: dict[str, bytes | pa.Table] = {}
    for name in draw(st.sets(st.sampled_from(sorted(PLAIN)), max_size=len(PLAIN))) | {"interactions", "components"}:
        layout = draw(st.sampled_from(["file"] * 6 + ["folder", "folder", "absent", "broken"]))
        if layout == "absent":
            continue
        table = draw(tables(name))
        if layout == "file":
            files[f"{name}.parquet"] = table
        elif layout == "broken":
            files[f"{name}.parquet"] = draw(
                st.sampled_from([b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + bytes(50) + b"PAR1"])
            )
        else:
            inner = draw(st.sampled_from([name, f"{name}.parquet", f"{name}/day=2026-03-02"]))
            for file in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
                files[f"{inner}/{file}"] = table if draw(st.booleans()) else draw(tables(name))
    return files


def write(folder: Path, files: dict[str, bytes | pa.Table]) -> None:
    for place, content in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path)
