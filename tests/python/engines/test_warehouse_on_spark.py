"""Landing, gates, worlds and figures do on Spark what they do on DuckDB. Needs the extra `spark` and Java 17, and skips
without them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import own_logs
import pytest
import test_gates

from prevalence.command_line import cli
from prevalence.engines import warehouse
from prevalence.engines.contract import gate_tables, raw_tables
from prevalence.engines.settings import PROJECT, Settings, UserError
from prevalence.engines.spark import java, session
from prevalence.engines.warehouse_interface import OWN_LOGS
from prevalence.gates import runner
from prevalence.gates.checks import GATES
from prevalence.release.chart import draw
from prevalence.release.headline import days_of, headlines
from prevalence_demo import world as demo
from prevalence_demo.truths import truths
from prevalence_evidence.coverage import coverage_table

MISSING = java.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

ENGINES = ("duckdb", "session")
GATE_RESULTS = next(table for table in gate_tables() if table.name == "gate_results")


@dataclass
class Command:
    """The command line on either engine, each with a warehouse of its own."""

    folder: Path
    capture: pytest.CaptureFixture

    def __call__(self, engine: str, *arguments: str | Path) -> tuple[int, str]:
        """The exit code and everything that was printed."""
        code = cli.main([str(argument) for argument in (*arguments, "--target", engine)])
        printed = self.capture.readouterr()
        text = printed.out + printed.err
        assert "Traceback" not in text
        return code, text

    def settings(self, engine: str) -> Settings:
        return replace(Settings.from_environment(), engine=engine)

    def rows(self, engine: str, sql: str) -> list[tuple]:
        with warehouse.connect(self.settings(engine)) as connection:
            return sorted(connection.rows(sql), key=repr)

    def execute(self, *statements: str) -> None:
        with warehouse.connect(self.settings("session")) as connection:
            for statement in statements:
                connection.execute(statement)

    def relations(self, engine: str, schema: str) -> dict[str, str]:
        with warehouse.connect(self.settings(engine)) as connection:
            return connection.relations(schema)

    def fill(self, tables: dict[str, str]) -> None:
        """The same tables on both engines, each a SELECT in DuckDB's SQL."""
        for relation, query in tables.items():
            path = self.folder / f"{relation}.parquet"
            schema = relation.split(".")[0]
            with duckdb.connect(str(self.settings("duckdb").warehouse)) as connection:
                connection.execute(f"create schema if not exists {schema}")
                connection.execute(f"create table {relation} as {query}")
                connection.execute(f"copy {relation} to '{path}' (format parquet)")
            self.execute(
                f"create schema if not exists {schema}",
                f"create table {relation} using parquet as select * from parquet.`{path}`",
            )


@pytest.fixture(scope="module")
def spark_folder(tmp_path_factory) -> Iterator[Path]:
    """One for all tests, because a session takes ten seconds to start."""
    yield tmp_path_factory.mktemp("engine") / "spark"
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        session.stop_session(running)


@pytest.fixture
def command(tmp_path, spark_folder, monkeypatch, capfd) -> Command:
    from prevalence.engines.spark.spark_warehouse import project_databases

    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("PREVALENCE_TARGET", "session")
    monkeypatch.setenv("PREVALENCE_SPARK_FOLDER", str(spark_folder))
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    monkeypatch.delenv("PREVALENCE_RAW_FOLDER", raising=False)
    opened = Command(tmp_path, capfd)
    opened.execute(*(f"drop database if exists {database} cascade" for database in project_databases()))
    return opened


# --- landing ---------------------------------------------------------------------------------------------------------


def test_a_folder_lands_as_the_same_rows_on_both_engines(command):
    """Widths, unsigned numbers, decimals, enums, dates, zones and nanoseconds, in a path that has to be escaped."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = own_logs.write(
        command.folder / "raw, 100% of it",
        interactions="""
            select * replace (
                occurred_at at time zone 'UTC' as occurred_at,
                cast(occurred_at as timestamp_ms) as received_at,
                cast(surface as enum ('feed', 'search')) as surface,
                cast(18 as utinyint) as client_sequence
            ) from {table}
        """,
        components=None,
        risk_scores="""
            select * replace (cast(score as decimal(9, 4)) as score, cast(scored_at as date) as scored_at) from {table}
        """,
        sampling_plans="select * replace (cast(expected_units as ubigint) as expected_units) from {table}",
        gold_labels="""
            select 'i' || n as item_id, 'p' as policy_id, 'v1' as policy_version, 'it''s' as label, 'a\\b' as set_name
            from range(3) as counters (n)
        """,
    )
    for number, kind in enumerate(("smallint", "bigint")):
        part = folder / "components" / f"position={number}"
        part.mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select * replace (cast(position as {kind}) as position) from ({own_logs.TABLES['components']})"
                f" where position = {number}) to '{part}/rows.parquet'"
            )
    # one shape in nested folders, as a partitioned log is written
    nanoseconds = [0, 999, 86_399_999_999_999, 2**63 - 1, 1_772_431_200_123_456_789, -1, -500, -(2**63) + 1]
    for number, times in enumerate((nanoseconds[:4], nanoseconds[4:])):
        part = folder / "server_events" / f"event_id={number}"
        part.mkdir(parents=True)
        columns = {
            "event_id": [f"e{time}" for time in times],
            "interaction_id": ["i"] * len(times),
            "occurred_at": pa.array(times, pa.timestamp("ns")),
            "surface": pa.nulls(len(times)),
            "country": pa.array(pd.Categorical(["DE"] * len(times))),
        }
        pq.write_table(pa.table(columns), part / "rows.parquet")
    reports = {
        "report_id": [str(time) for time in nanoseconds],
        "content_id": ["c"] * len(nanoseconds),
        "policy_id": pa.nulls(len(nanoseconds), pa.string()),
        "reported_at": pa.array(nanoseconds, pa.timestamp("ns", tz="Asia/Tokyo")),
        "user_id": ["u1"] * len(nanoseconds),
    }
    pq.write_table(pa.table(reports), folder / "user_reports.parquet")
    users = {
        "user_id": ["u1", "u2"],
        "country": ["DE", "FR"],
        "signed_up_at": pa.array(nanoseconds[4:6], pa.timestamp("ns")),
        "age_band": pa.array([None, "18-24"]),
    }
    pq.write_table(pa.table(users), folder / "users.parquet", use_deprecated_int96_timestamps=True)

    for engine in ENGINES:
        code, text = command(engine, "land", "--raw-folder", folder)
        assert code == 0, text
        assert f"{2 * own_logs.INTERACTIONS}" in text
    filled = 0
    for table in raw_tables():
        columns = ", ".join(column.name for column in table.columns)
        ours, theirs = (command.rows(engine, f"select {columns} from {table.relation}") for engine in ENGINES)
        assert ours == theirs, table.name
        filled += bool(ours)
        with warehouse.connect(command.settings("session")) as connection:
            assert connection.columns(table.relation) == [(c.name, c.data_type) for c in table.columns]
    assert filled == 8
    assert command.relations("session", "raw")["interactions"] == "view"
    # what the project makes beside dbt's models, before any of them reads it
    made = ("accepted_changes", "gate_results", "once_broken_days")
    assert command.relations("session", "quality") == dict.fromkeys(made, "table")
    # and again: the same, and nothing is in its own way
    assert command("session", "land", "--raw-folder", folder)[0] == 0


def _not_parquet(folder: Path) -> None:
    (folder / "interactions.parquet").write_text("interaction_id,surface\ni1,feed\n" * 100)


def _cut_off(folder: Path) -> None:
    path = folder / "components.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("changed", "spoil", "named"),
    [
        ({"interactions": "select * exclude (surface), 1 as flag from {table}"}, None, ("surface", "column flag")),
        ({"components": "select * replace (position::varchar as position) from {table}"}, None, ("is varchar",)),
        ({"components": None}, None, ("required",)),
        ({}, _not_parquet, ("not a Parquet file",)),
        ({}, _cut_off, ("components.parquet",)),
        ({}, _empty, ("interactions", "components", "required")),
    ],
)
def test_what_duckdb_refuses_is_refused_with_the_same_sentences(
    command, changed: dict, spoil: Callable | None, named: tuple
):
    folder = own_logs.write(command.folder / "raw", **changed)
    if spoil is not None:
        spoil(folder)
    results = {engine: command(engine, "land", "--raw-folder", folder) for engine in ENGINES}
    assert results["session"] == results["duckdb"]
    code, text = results["session"]
    assert code == cli.EXIT_USER
    assert all(name in text for name in (*named, "Remedy", "nothing was changed"))
    assert command.relations("session", "raw") == {}


def test_what_spark_alone_cannot_read_is_refused_before_anything_is_changed(command):
    folder = own_logs.write(command.folder / "raw", components="select * replace (uuid() as content_id) from {table}")
    assert command("duckdb", "land", "--raw-folder", folder)[0] == 0
    code, text = command("session", "land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "column content_id is uuid" in text and "components.parquet" in text
    assert command.relations("session", "raw") == {}


def test_text_that_is_not_utf_8_is_refused_on_both_engines(command):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = own_logs.write(command.folder / "raw")
    path = folder / "components.parquet"
    table = pq.read_table(path)
    texts = [text.encode() for text in table.column("text").to_pylist()]
    texts[5] = b"half a pair \xed\xa0\x80"
    # as text unchecked, as a careless program writes it
    spoiled = pa.Array.from_buffers(pa.string(), len(texts), pa.array(texts, pa.binary()).buffers())
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", spoiled), path)
    for engine in ENGINES:
        code, said = command(engine, "land", "--raw-folder", folder)
        assert code == cli.EXIT_USER and "column text cannot be read: its text is not UTF-8" in said


def test_tables_registered_by_hand_are_checked(command):
    command.execute(
        "create database raw",
        "create table raw.interactions (interaction_id string, occurred_at timestamp_ntz) using parquet",
    )
    code, text = command("session", "land")
    assert code == cli.EXIT_USER
    for part in ("column surface (string) is missing", "occurred_at is timestamp_ntz", "raw.components", "required"):
        assert part in text
    assert command.relations("session", "raw") == {"interactions": "table"}


def test_answers_are_neither_replaced_nor_forgotten(command):
    folder = own_logs.write(command.folder / "raw")
    assert command("session", "land", "--raw-folder", folder)[0] == 0
    command.execute("insert into raw.label_events (label_event_id, assignment_id) values ('e1', 'a1')")
    assert command("session", "land", "--raw-folder", folder)[0] == 0
    assert command.rows("session", "select label_event_id from raw.label_events") == [("e1",)]
    answers = own_logs.write(command.folder / "more", label_events=own_logs.label_event(label_event_id="e2"))
    code, text = command("session", "land", "--raw-folder", answers)
    assert code == cli.EXIT_USER and "1 rows of its own" in text
    # the remedy is a statement that Spark takes, and what it writes can be landed
    copy = re.search(r"\((insert overwrite directory .*), the other file beside it\)", text)[1]
    (answers / "label_events").mkdir()
    (answers / "label_events.parquet").rename(answers / "label_events" / "new.parquet")
    command.execute(copy, "drop table raw.label_events")
    code, text = command("session", "land", "--raw-folder", answers)
    assert code == 0, text
    assert command.rows("session", "select label_event_id from raw.label_events") == [("e1",), ("e2",)]
    code, text = command("session", "land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "forget every label" in text


def test_files_that_were_moved_away_are_missed_by_name(command):
    folder = own_logs.write(command.folder / "raw")
    assert command("session", "land", "--raw-folder", folder)[0] == 0
    folder.rename(command.folder / "elsewhere")
    code, text = command("session", "land")
    assert code == cli.EXIT_USER and "interactions.parquet is gone" in text and "Remedy" in text


def test_both_engines_read_the_same_list_of_files(command, monkeypatch):
    """Hidden and unfinished files are skipped, names are no patterns, and a list too long for one view is read in parts."""
    from prevalence.engines.spark import spark_warehouse

    monkeypatch.setattr(spark_warehouse, "LONGEST_TEXT", 1_200)
    folder = own_logs.write(command.folder / "raw[1] {a,b}", interactions=None)
    below = folder / "interactions.parquet"
    names = [f"part-{number}, [{number}] * {{x}}.parquet" for number in range(12)]
    skipped = ["_old.parquet", "._part-0.parquet", "_temporary/0/part-0.parquet", ".part-0.parquet"]
    for name in (*names, "_day=1/part-0.parquet", *skipped):
        (below / name).parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            rows = own_logs.TABLES["interactions"].replace("'i' || n", f"'{name} ' || n")
            connection.execute(f"copy ({rows}) to '{command.folder}/one.parquet' (format parquet)")
        (command.folder / "one.parquet").rename(below / name)
    for engine in ENGINES:
        assert command(engine, "land", "--raw-folder", folder)[0] == 0
    ours, theirs = (command.rows(engine, "select * from raw.interactions") for engine in ENGINES)
    assert len(ours) == 13 * own_logs.INTERACTIONS and ours == theirs
    assert "interactions_files_1" in command.relations("session", "raw")
    # what comes later is read when it is landed
    (below / "_old.parquet").rename(below / "new.parquet")
    assert command("session", "land")[0] == 0
    assert command.rows("session", "select count(*) from raw.interactions") == [(13 * own_logs.INTERACTIONS,)]
    lists = [command.rows(engine, "select file_path, size_bytes, sha256 from raw.landed_files") for engine in ENGINES]
    assert lists[0] == lists[1]


# --- worlds ----------------------------------------------------------------------------------------------------------


class Writer:
    """In dbt's place: leaves one table, and can be killed."""

    def __init__(self, command: Command) -> None:
        self.command, self.is_killed, self.runs = command, False, 0

    def run(self, *selectors: str) -> None:
        self.runs += 1
        self.command.execute("create table raw.users (user_id string) using parquet", "create database staging")
        self.command.execute("insert into raw.users values ('u1')")
        if self.is_killed:
            raise KeyboardInterrupt


def test_a_demo_world_is_kept_while_it_is_wanted_and_written_anew_when_it_changes(command):
    settings, dbt = command.settings("session"), Writer(command)
    world = demo.default_world()
    assert not warehouse.holds_demo_world(settings)
    dbt.is_killed = True
    with pytest.raises(KeyboardInterrupt):
        demo.write_world(settings, world, dbt)
    assert warehouse.holds_demo_world(settings)
    dbt.is_killed = False
    assert "seed 1" in demo.write_world(settings, world, dbt)
    assert "there already" in demo.write_world(settings, world, dbt)
    assert dbt.runs == 2
    assert "seed 2" in demo.write_world(settings, replace(world, seed=2), dbt)
    assert command.rows("session", "select user_id from raw.users") == [("u1",)]
    assert len(command.rows("session", "select * from raw.demo_world_settings")) == 2


def test_two_worlds_are_not_mixed(command):
    folder = own_logs.write(command.folder / "raw")
    assert command("session", "land", "--raw-folder", folder)[0] == 0
    before = command.relations("session", "raw")
    code, text = command("session", "demo", "--interactions", "1000")
    assert code == cli.EXIT_USER
    assert "holds own logs" in text and "PREVALENCE_SPARK_FOLDER" in text and "drop database" in text
    assert command.relations("session", "raw") == before
    assert warehouse.switch_world(command.settings("session"), OWN_LOGS) is None
    command.execute("drop database raw cascade", "create database raw")
    with warehouse.connect(command.settings("session")) as connection:
        connection.execute(connection.create_table(demo.SETTINGS_TABLE))
    code, text = command("session", "land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "holds demo world" in text


# --- gates -----------------------------------------------------------------------------------------------------------


def _fill_gates(command: Command) -> None:
    """The tables of test_gates, all good."""
    days = f"unnest({list(test_gates.DAYS)!r}) as days(row_day)"
    decimal = re.compile(r"\b\d+\.\d+\b")
    tables = {
        f"quality.{name}": decimal.sub(lambda number: f"cast({number[0]} as double)", query.format(days=days))
        for name, query in test_gates.GOOD_TABLES.items()
    }
    seeds = {f"reference.{name}": query for name, query in test_gates.SEEDS.items()}
    command.fill({**tables, **seeds})


def test_gates_find_the_same_and_call_their_subjects_the_same(command, spark_folder):
    _fill_gates(command)
    for name in GATES:
        ours, theirs = (runner.run_gate(name, command.settings(engine), with_pages=False) for engine in ENGINES)
        assert ours.is_passed and ours.results == theirs.results
        assert re.fullmatch(r"[0-9a-f]{32}", theirs.subject_fingerprint) or name == "before_publication"
    columns = ", ".join(column.name for column in GATE_RESULTS.columns)
    ours, theirs = (command.rows(engine, f"select {columns} from quality.gate_results") for engine in ENGINES)
    assert ours == theirs and len(ours) == len(test_gates.limits())
    # what is held back is named
    command.execute("truncate table quality.frame_profiles")
    code, text = command("session", "gate", "before_draw")
    assert code == cli.EXIT_BLOCKED and "held back by frames_exist" in text
    assert (spark_folder.with_name("spark_data_docs") / "before_draw" / "index.html").is_file()
    # a fault of the whole blocks, by name, and blocks what comes after
    command.execute("insert into quality.label_event_profiles select 'others', 1000, 1, 0.0, 0, 0")
    code, text = command("session", "gate", "labels_to_estimates")
    assert code == cli.EXIT_BLOCKED and "BLOCKED answers_are_accounted_for" in text
    code, text = command("session", "gate", "before_publication")
    assert code == cli.EXIT_BLOCKED and "gate_name=labels_to_estimates" in text


def test_a_gate_without_its_tables_says_so(command):
    code, text = command("session", "gate", "before_draw")
    assert code == cli.EXIT_USER and "reference.gate_checks is not in the warehouse" in text


def test_results_of_one_subject_are_replaced_and_others_stay(command, spark_folder):
    awkward = "it's \\ '${env:HOME}' 100 %\nand a second line \"quoted\" \u00e9"

    def row(subject: str, check: str, message: str | None) -> tuple:
        found = (message is None, 0.1 + 0.2, "at most 1", 3, message)
        return ("before_draw", check, "quality.x", "blocking", *found, subject)

    with warehouse.connect(command.settings("session")) as connection:

        def put(subject: str, *rows: tuple) -> None:
            connection.replace(GATE_RESULTS, {"gate_name": "before_draw", "subject_fingerprint": subject}, rows)

        put("0e1", row("0e1", "a", None), row("0e1", "b", awkward), row("0e1", "c", None))
        put("00", row("00", "a", None))
        put("0e1", row("0e1", "a", awkward), row("0e1", "b", None))
        columns = ", ".join(column.name for column in GATE_RESULTS.columns)
        found = connection.rows(f"select {columns} from quality.gate_results order by subject_fingerprint, check_name")
    assert found == [row("00", "a", None), row("0e1", "a", awkward), row("0e1", "b", None)]
    # a partition is one file, which one rename puts in its place: a killed run cannot leave a part of the rows
    partitions = [path for path in spark_folder.rglob("subject_fingerprint=*") if "gate_results" in str(path)]
    assert len(partitions) == 2
    assert all(len(list(path.glob("*.parquet"))) == 1 for path in partitions)


# --- figures ---------------------------------------------------------------------------------------------------------


def test_summary_chart_and_coverage_are_the_same(command):
    keys = """
        period_type, cast(date '2026-10-05' + cast(d as integer) as date) as period_start, policy_id,
        unit_type, 'overall' as pivot_name, 'all' as pivot_value
    """
    grid = """
        range(4) as days (d)
        cross join (values ('28_days'), ('day')) as periods (period_type)
        cross join (values ('harassment'), ('it''s')) as policies (policy_id)
        cross join (values ('content_day'), ('interaction'), ('user_day')) as units (unit_type)
        where (d = 0 or period_type = 'day')
    """
    published = f"""
        select
            {keys}, unit_type || '_plan' as plan_id, 'two_phase' as estimator, (d + 3) / 1000.0::double as prevalence,
            case when d <> 2 then d / 1000.0::double end as interval_lower,
            case when d <> 2 then (d + 7) / 1000.0::double end as interval_upper,
            0.95::double as interval_level, cast(100 + d as bigint) as sampled_units,
            cast(d as bigint) as positive_units, '1.0.0' as policy_version,
            cast(case period_type when '28_days' then 25 else 1 end as bigint) as days_measured,
            cast(case period_type when '28_days' then 28 else 1 end as bigint) as days_expected,
            case when d = 1 then 'few_positives' end as interval_caution,
            case when d = 0 then 'no_events_or_only_events' end as presentation_reason
        from {grid}
    """
    command.fill(
        {
            "marts.prevalence_v2": published,
            "estimates.est_prevalence": published,
            "marts.headline_prevalence": f"""
                select
                    *, case policy_id when 'harassment' then 'Harassment' else policy_id end as policy_title,
                    '28 days' as period_title
                from ({published})
                where period_type = '28_days' and unit_type = 'content_day'
            """,
            "truth.plan_prevalence": f"""
                select
                    {keys}, unit_type || '_plan' as plan_id,
                    case when unit_type = 'user_day' then 2 * d + 3 else 2 * d + 2 end / 1000.0::double as true_prevalence
                from {grid}
            """,
            "reference.periods": f"select * from '{PROJECT}/seeds/periods.csv'",
        }
    )
    figures, texts, charts, tables = [], [], [], []
    for engine in ENGINES:
        settings = command.settings(engine)
        known = truths(settings)
        with warehouse.connect(settings) as connection:
            newest = headlines(connection, known)
            figures.append((newest, [days_of(connection, figure, known) for figure in newest]))
        draw(settings, truths=known)
        charts.append(settings.chart.read_bytes())
        assert command(engine, "chart")[0] == 0
        charts[-1] += settings.chart.read_bytes()
        code, text = command(engine, "where")
        assert code == 0, text
        texts.append(text.split("\nwarehouse")[0])
        assert str(settings.chart) in text
        tables.append(coverage_table(settings))
    assert len(figures[0][0]) == 2 and all(len(days) == 4 for days in figures[0][1])
    assert figures[0] == figures[1]
    assert texts[0] == texts[1] and "Harassment" in texts[0] and "28 days (25 of 28 days)" in texts[0]
    assert "no events or only events" in texts[0]
    assert charts[0] == charts[1]
    assert len(tables[0]) == len(tables[1]) == 18
    for ours, theirs in zip(*tables, strict=True):
        assert theirs == pytest.approx(ours)


def test_the_window_of_own_logs(command):
    from prevalence.command_line.due_days import choose_days
    from prevalence.engines.dbt import Dbt

    folder = own_logs.write(command.folder / "raw")
    assert command("session", "land", "--raw-folder", folder)[0] == 0
    settings = command.settings("session")
    dbt = Dbt(settings, None, {}, None)
    dbt.seed()
    choose_days(settings, dbt, None, None, {})
    (window,) = dbt.windows
    assert window.start.isoformat() == "2026-03-02" and window.end - window.start == timedelta(days=own_logs.DAYS)


def test_a_run_waits_for_the_same_answers(command):
    from prevalence.labeling.open_assignments import open_assignments

    needed = (
        f"select 'p' as plan_id, '{letter}' || n as assignment_id, 'harassment' as policy_id, '{purpose}' as purpose, "
        f"{is_answered} as is_answered, {is_waited_for} as is_waited_for from range(20) as counters (n)"
        for letter, purpose, is_answered, is_waited_for in (
            ("a", "primary", "true", "false"),
            ("e", "audit", "n = 0", "true"),
        )
    )
    command.fill({"labels.label_needed_assignments": " union all ".join(needed)})
    said = []
    for engine in ENGINES:
        said.append(open_assignments(command.settings(engine)))
    assert said[0] == said[1] and "Open assignments: 19 in labels.label_audit_assignments" in said[0]


# --- what is not there -----------------------------------------------------------------------------------------------


def test_a_thrift_server_that_does_not_answer_is_named(command, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PREVALENCE_THRIFT_PORT", str(port))
    monkeypatch.setenv("PREVALENCE_THRIFT_HOST", "127.0.0.1")
    folder = own_logs.write(command.folder / "raw")
    for arguments in (["where"], ["land", "--raw-folder", folder], ["demo", "--interactions", "1000"]):
        code, text = command("thrift", *arguments)
        assert code == cli.EXIT_USER
        assert f"No Thrift server answers at 127.0.0.1:{port}" in text and "`prevalence spark start`" in text
    monkeypatch.setenv("PREVALENCE_THRIFT_PORT", "ten")
    code, text = command("thrift", "where")
    assert code == cli.EXIT_USER and "not a port" in text


def test_a_spark_folder_that_was_never_written_is_named(command, monkeypatch):
    monkeypatch.setenv("PREVALENCE_SPARK_FOLDER", str(command.folder / "never"))
    code, text = command("session", "where")
    assert code == cli.EXIT_USER and "There is no warehouse in" in text and "Remedy" in text
    assert not (command.folder / "never").exists()


def test_small_worlds_get_a_folder_of_their_own_and_a_thrift_server_has_none(command):
    assert command.settings("session").beside("coverage").spark_folder.name == "spark_coverage"
    with pytest.raises(UserError, match="Thrift server keeps one warehouse"):
        command.settings("thrift").beside("coverage")
