"""Landing reads one list of files by their names, says what it skips, and notices when a file is not what was landed."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import own_logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_bad_input import Command, assert_refused, command  # noqa: F401  (a fixture)

from prevalence.command_line import cli
from prevalence.engines import raw_files
from prevalence.engines.settings import PROJECT

CASES = PROJECT.parent / "shared" / "cases"
ROWS = own_logs.INTERACTIONS


def interactions_folder(folder: Path) -> Path:
    """The interactions of own_logs as the one file of a folder; returns that folder."""
    own_logs.write(folder)
    below = folder / "interactions"
    below.mkdir()
    (folder / "interactions.parquet").rename(below / "part-0.parquet")
    return below


def more_interactions(path: Path, prefix: str = "more_", query: str = "select * from {table}") -> None:
    """A file of as many interactions more, with ids of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = query.replace("{table}", f"({own_logs.TABLES['interactions']})")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace ('{prefix}' || interaction_id as interaction_id) from ({rows}))"
            f" to '{path}' (format parquet)"
        )


def landed_rows(command: Command) -> int:
    ((rows,),) = command.query("select count(*) from raw.interactions")
    return rows


# --- which files ------------------------------------------------------------------------------------------------------


def test_hidden_and_unfinished_files_are_skipped_and_named(command):
    folder = interactions_folder(command.folder / "raw")
    (folder / "._part-0.parquet").write_bytes(b"no parquet")
    (folder / "_SUCCESS").touch()
    for name in ("_old.parquet", "_temporary/0/task/part-1.parquet", ".part-2.parquet", ".spark-staging/a.parquet"):
        more_interactions(folder / name, prefix=name.replace("/", "_"))
    # a partition whose name begins with an underscore is one, as on Spark
    more_interactions(folder / "_shard=1" / "part-0.parquet")
    (command.folder / "raw" / "_notes").mkdir()
    code, text = command("land", "--raw-folder", command.folder / "raw")
    assert code == 0 and landed_rows(command) == 2 * ROWS, text
    assert "skipped" in text and "_notes" in text and "._part-0.parquet" in text and "and 4 more files" in text


@pytest.mark.parametrize(
    "name", ["raw[1]", "raw*", "r?w", "{raw,raw1}", "it's", 'a "b" c', "day=1", "raw[!1]", "**", "r\\w"]
)
def test_a_folder_is_the_one_of_its_name(command, name):
    for other in ("raw1", "rawest", "raw", "day=2"):
        own_logs.write(command.folder / other, interactions=f"select * from {{table}} limit {ROWS // 2}")
    own_logs.write(command.folder / "good")
    (command.folder / "good").rename(command.folder / name)
    code, text = command("land", "--raw-folder", command.folder / name)
    assert code == 0 and landed_rows(command) == ROWS, text


def test_files_that_come_later_are_read_when_they_are_landed(command):
    folder = interactions_folder(command.folder / "raw")
    command("land", "--raw-folder", command.folder / "raw")
    more_interactions(folder / "part-1.parquet")
    assert command("land")[0] == 0 and landed_rows(command) == ROWS
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0 and landed_rows(command) == 2 * ROWS


def test_a_linked_folder_is_followed_once(command):
    folder = interactions_folder(command.folder / "raw")
    more_interactions(command.folder / "elsewhere" / "part-1.parquet")
    (folder / "linked").symlink_to(command.folder / "elsewhere")
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0
    assert landed_rows(command) == 2 * ROWS


@pytest.mark.parametrize(
    ("target", "named"),
    [
        (".", "once more"),
        ("..", "once more"),
        ("sub", "once more"),
        ("part-0.parquet", "once more"),
        ("nowhere", "link to nothing"),
    ],
)
def test_a_link_that_leads_in_a_circle_or_nowhere_is_named(command, target, named):
    folder = interactions_folder(command.folder / "raw")
    more_interactions(folder / "sub" / "part-1.parquet")
    (folder / "zlink").symlink_to(target)
    assert_refused(command, command.folder / "raw", "interactions/zlink", named)


@pytest.mark.parametrize("name", ["interactions.parquet", "interactions/part-1.parquet"])
def test_a_named_pipe_is_no_file(command, name):
    folder = interactions_folder(command.folder / "raw")
    if "/" not in name:
        shutil.rmtree(folder)
    os.mkfifo(command.folder / "raw" / name)
    assert_refused(command, command.folder / "raw", name, "named pipe")


def test_a_folder_as_spark_names_it_is_read_like_a_file(command):
    folder = interactions_folder(command.folder / "raw")
    (folder / "_SUCCESS").touch()
    folder.rename(folder.with_name("interactions.parquet"))
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0
    assert landed_rows(command) == ROWS


def test_names_that_no_engine_can_be_given_are_refused(command):
    folder = interactions_folder(command.folder / "raw")
    shutil.copy(folder / "part-0.parquet", os.fsencode(folder) + b"/part-\xff.parquet")
    shutil.copy(folder / "part-0.parquet", folder / "part\\[1].parquet")
    assert_refused(command, command.folder / "raw", "is not UTF-8", "has a backslash and one of")


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_is_stored_and_a_file_is_hashed_once(command, monkeypatch):
    folder = interactions_folder(command.folder / "raw")
    list_query = "select * from raw.landed_files order by file_path"
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0
    before = command.query(list_query)
    assert [row[:3] for row in before if row[0] == "interactions"] == [
        ("interactions", str(folder / "part-0.parquet"), (folder / "part-0.parquet").stat().st_size)
    ]
    hashed = []
    monkeypatch.setattr(raw_files, "sha256", lambda path: hashed.append(path) or "hash")
    more_interactions(folder / "part-1.parquet")
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0
    assert hashed == [folder / "part-1.parquet"]
    assert set(before) < set(command.query(list_query))


def test_files_that_changed_or_vanished_since_are_named(command):
    folder = interactions_folder(command.folder / "raw")
    for number in (1, 2, 3):
        more_interactions(folder / f"part-{number}.parquet", prefix=f"p{number}_")
    assert command("land", "--raw-folder", command.folder / "raw")[0] == 0
    # a copy of the same bytes is the same file
    content = (folder / "part-0.parquet").read_bytes()
    (folder / "part-0.parquet").unlink()
    (folder / "part-0.parquet").write_bytes(content)
    assert command("land")[0] == 0
    (folder / "part-1.parquet").unlink()
    (folder / "part-2.parquet").write_bytes(b"cut off")
    content = (folder / "part-3.parquet").read_bytes()
    (folder / "part-3.parquet").write_bytes(content[:-1] + b"?")
    for arguments in (["land"], ["run"]):
        code, text = command(*arguments)
        assert code == cli.EXIT_USER
        assert "part-1.parquet is gone" in text and "part-2.parquet has changed since" in text and "7 now" in text
        assert "part-3.parquet has changed since" in text and "Remedy" in text and "part-0" not in text
        # nobody else is accused
        assert text.count("  - ") == 3
    (folder / "part-2.parquet").unlink()
    more_interactions(folder / "part-3.parquet", prefix="new_")
    code, text = command("land", "--raw-folder", command.folder / "raw")
    assert code == 0 and landed_rows(command) == 2 * ROWS
    assert "part-3.parquet changed since the landing before" in text and "landed before and not any more" in text


# --- what is in them --------------------------------------------------------------------------------------------------


def with_column(path: Path, name: str, values: pa.Array) -> None:
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, values), path)


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_nanoseconds_are_cut_and_not_rounded(command, zone):
    """The last moment of a day stays that day's, before 1970 too, and at the ends of what nanoseconds can say."""
    folder = own_logs.write(command.folder / "raw")
    times = [86_399_999_999_999, 999, 0, -1, -1_000, -1_001, None, 2**63 - 1, 2**63 - 2, -(2**63) + 1, -(2**63)]
    values = (times * ROWS)[:ROWS]
    with_column(folder / "interactions.parquet", "received_at", pa.array(values, pa.timestamp("ns", tz=zone)))
    assert command("land", "--raw-folder", folder)[0] == 0
    found = {row[0] for row in command.query("select received_at from raw.interactions")}
    assert found == {
        time if time is None else datetime(1970, 1, 1) + timedelta(microseconds=time // 1000) for time in times
    }


def test_rows_that_cannot_be_read_are_refused_by_column_and_file(command):
    """Before anything is built: text that is not UTF-8, a damaged page, a date beyond the times of the contract."""
    folder = own_logs.write(command.folder / "raw")
    texts = [b"caf\xe9" if n == 5 else b"text" for n in range(2 * ROWS)]
    unchecked = pa.Array.from_buffers(pa.string(), len(texts), pa.array(texts, pa.binary()).buffers())
    with_column(folder / "components.parquet", "text", unchecked)
    with_column(folder / "interactions.parquet", "received_at", pa.array([2**31 - 2] * ROWS, pa.date32()))
    path = folder / "risk_scores.parquet"
    start = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    text = assert_refused(command, folder, "components: column text", "not UTF-8", "interactions: column received_at")
    assert (
        "risk_scores: column content_id cannot be read: the file is damaged" in text and "risk_scores.parquet" in text
    )


def test_rows_of_landed_files_are_not_read_again(command, monkeypatch):
    from prevalence.engines import landing

    folder = own_logs.write(command.folder / "raw")
    command("land", "--raw-folder", folder)
    read = []
    monkeypatch.setattr(landing, "select_of", lambda files: read.append(files.groups) or files.table.select_nothing)
    more_interactions(folder / "interactions.parquet")
    assert command("land", "--raw-folder", folder)[0] == 0
    assert [list(groups.values()) for groups in read] == [[[folder / "interactions.parquet"]]]


def test_what_can_hold_no_wrong_row_is_read(command):
    """Files of no row whatever their columns, and columns of nothing but nulls whatever their type."""
    import pandas as pd

    folder = interactions_folder(command.folder / "raw")
    pd.DataFrame().to_parquet(folder / "empty.parquet")
    pd.DataFrame(columns=["interaction_id"]).to_parquet(command.folder / "raw" / "users.parquet")
    pd.DataFrame().to_parquet(command.folder / "raw" / "risk_scores.parquet")
    more_interactions(
        folder / "part-1.parquet",
        query="select * replace (null::double as client_sequence, null::integer as country) from {table}",
    )
    with_column(command.folder / "raw" / "components.parquet", "position", pa.nulls(2 * ROWS))
    code, text = command("land", "--raw-folder", command.folder / "raw")
    assert code == 0, text
    assert command.query("select count(*), count(client_sequence), count(country) from raw.interactions") == [
        (2 * ROWS, 0, sum(n % 7 > 0 for n in range(ROWS)))
    ]
    assert command.query("select count(*), count(position) from raw.components") == [(2 * ROWS, 0)]
    assert command.query("select count(*) from raw.risk_scores") == [(0,)]
    assert "empty.parquet without rows" in text and "users.parquet without rows" in text


@pytest.mark.parametrize(
    "expression",
    [
        "epoch(occurred_at)",
        "cast(epoch(occurred_at) as bigint)",
        "epoch_ms(occurred_at)",
        "epoch_us(occurred_at)",
        "epoch_ns(occurred_at)",
        "strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ')",
        "strftime(occurred_at, '%Y-%m-%d %H:%M:%S+00')",
    ],
)
def test_the_cast_that_is_named_for_times_reads_them(command, expression):
    import re

    spoiled = f"select * replace ({expression} as occurred_at) from {{table}}"
    text = assert_refused(command, own_logs.write(command.folder / "raw", interactions=spoiled), "occurred_at is")
    cast = re.search(r"`(.*?)( as occurred_at)?`", text)[1]
    mended = f"select * replace ({cast} as occurred_at) from ({spoiled})"
    assert command("land", "--raw-folder", own_logs.write(command.folder / "raw", interactions=mended))[0] == 0
    assert (
        command.query("select min(occurred_at), max(occurred_at) from raw.interactions")
        == duckdb.execute(
            f"select min(occurred_at), max(occurred_at) from ({own_logs.TABLES['interactions']})"
        ).fetchall()
    )


# --- the cases that were handed in ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "raw", "query"),
    [
        ("01_hidden_and_unfinished_files", "raw", "select 'interactions', count(*) from raw.interactions"),
        ("02_brackets_in_folder_name", "raw_[[]ab]", "select 'interactions', count(*) from raw.interactions"),
        (
            "07_end_of_day_in_nanoseconds",
            "raw",
            "select cast(occurred_at as date)::varchar, count(*) from raw.interactions group by 1 order by 1",
        ),
    ],
)
def test_cases(command, case, raw, query):
    if not CASES.is_dir():
        pytest.skip(f"there is no {CASES}")
    (folder,) = (CASES / case).glob(raw)
    code, text = command("land", "--raw-folder", folder)
    assert code == 0, text
    expected = [line.split(",") for line in (CASES / case / "expected.csv").read_text().splitlines()[1:] if line]
    assert [[name, str(rows)] for name, rows in command.query(query)] == expected
