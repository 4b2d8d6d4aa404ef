"""Bad input is refused by a sentence that names it, or set aside by a named reason; nothing is lost and nothing crashes."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import own_logs
import pytest

from prevalence.command_line import cli
from prevalence.command_line.exits import EXIT_WAITING
from prevalence.engines.settings import PROJECT


@dataclass
class Command:
    """The command line, run in this process on a warehouse of its own."""

    folder: Path
    capture: pytest.CaptureFixture

    @property
    def warehouse(self) -> Path:
        return self.folder / "prevalence.duckdb"

    def __call__(self, *arguments: str | Path) -> tuple[int, str]:
        """The exit code and everything that was printed."""
        code = cli.main([str(argument) for argument in arguments])
        printed = self.capture.readouterr()
        text = printed.out + printed.err
        assert "Traceback" not in text
        return code, text

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def command(tmp_path, monkeypatch, capfd) -> Command:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    monkeypatch.delenv("PREVALENCE_RAW_FOLDER", raising=False)
    return Command(tmp_path, capfd)


# --- refused: the shape of the files -----------------------------------------------------------------------------------


def assert_refused(command: Command, folder: Path, *named: str) -> str:
    code, text = command("land", "--raw-folder", folder)
    assert code == cli.EXIT_USER
    for name in (*named, "Remedy"):
        assert name in text
    # nothing was registered
    assert not command.warehouse.exists()
    return text


def test_good_logs_are_registered_and_absent_optional_tables_are_empty(command):
    folder = own_logs.write(command.folder / "raw")
    code, text = command("land", "--raw-folder", folder)
    assert code == 0
    assert command.query("select count(*) from raw.interactions") == [(own_logs.INTERACTIONS,)]
    assert command.query("select count(*) from raw.users") == [(0,)]
    assert command.query("select count(*) from quality.gate_results") == [(0,)]
    assert str(own_logs.INTERACTIONS) in text


def test_one_setting_is_enough(command, monkeypatch):
    monkeypatch.setenv("PREVALENCE_RAW_FOLDER", str(own_logs.write(command.folder / "raw")))
    assert command("land")[0] == 0
    assert command.query("select count(*) from raw.components") == [(2 * own_logs.INTERACTIONS,)]


@pytest.mark.parametrize("column", ["interaction_id", "occurred_at", "experiment_arm"])
def test_a_missing_column_is_named(command, column):
    folder = own_logs.write(command.folder / "raw", interactions=f"select * exclude ({column}) from {{table}}")
    assert_refused(command, folder, "interactions", f"column {column}", "missing", "interactions.parquet")


@pytest.mark.parametrize(
    ("table", "column", "expression", "found", "expected"),
    [
        ("interactions", "occurred_at", "cast(occurred_at as varchar)", "varchar", "timestamp"),
        ("interactions", "interaction_id", "cast(1 as bigint)", "bigint", "string"),
        ("components", "position", "cast(position as double)", "double", "bigint"),
        ("components", "was_viewed", "cast(1 as integer)", "integer", "boolean"),
        ("risk_scores", "score", "cast(score as varchar)", "varchar", "double"),
    ],
)
def test_a_wrong_type_is_named(command, table, column, expression, found, expected):
    query = f"select * replace ({expression} as {column}) from {{table}}"
    folder = own_logs.write(command.folder / "raw", **{table: query})
    assert_refused(command, folder, table, f"column {column} is {found}", f"expected {expected}")


def test_an_extra_column_is_named(command):
    folder = own_logs.write(command.folder / "raw", components="select *, 0.5 as risk_band from {table}")
    assert_refused(command, folder, "components", "column risk_band is not in the contract")


def test_every_problem_is_told_at_once(command):
    folder = own_logs.write(
        command.folder / "raw",
        interactions="select * exclude (surface), 1 as ip_address from {table}",
        components="select * replace (cast(position as varchar) as position) from {table}",
    )
    (folder / "risk_scores.parquet").write_bytes(b"content_id,score\nc1,0.5\n")
    (folder / "label_event.parquet").write_bytes(b"")
    assert_refused(
        command,
        folder,
        "column surface",
        "column ip_address",
        "column position",
        "not a Parquet file",
        "Did you mean label_events.parquet?",
    )


def test_a_file_that_is_not_parquet_is_named(command):
    folder = own_logs.write(command.folder / "raw")
    (folder / "interactions.parquet").write_text("interaction_id,surface\ni1,feed\n" * 100)
    assert_refused(command, folder, "interactions.parquet", "not a Parquet file")


def test_a_cut_off_file_is_named(command):
    folder = own_logs.write(command.folder / "raw")
    path = folder / "components.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    assert_refused(command, folder, "components.parquet")


def test_a_missing_required_table_is_named(command):
    folder = own_logs.write(command.folder / "raw", components=None)
    assert_refused(command, folder, "components", "required")


def test_an_empty_folder_is_named(command):
    (command.folder / "raw").mkdir()
    assert_refused(command, command.folder / "raw", "interactions", "components", "required")


def test_a_table_folder_without_parquet_is_named(command):
    folder = own_logs.write(command.folder / "raw", interactions=None)
    (folder / "interactions").mkdir()
    (folder / "interactions" / "day.csv").write_text("x")
    assert_refused(command, folder, "day.csv", "no file that ends in .parquet")


def test_a_folder_that_is_not_there_is_named(command):
    assert_refused(command, command.folder / "nowhere", "nowhere", "cannot be read")


def test_a_file_and_a_folder_of_one_table_are_refused(command):
    folder = own_logs.write(command.folder / "raw")
    (folder / "interactions").mkdir()
    assert_refused(command, folder, "both interactions and interactions.parquet")


def test_an_unknown_file_is_named(command):
    folder = own_logs.write(command.folder / "raw")
    (folder / "notes.txt").write_text("x")
    assert_refused(command, folder, "notes.txt", "no table of the contract has this name")


def test_the_warehouse_without_tables_is_named(command):
    code, text = command("land")
    assert code == cli.EXIT_USER
    assert "raw.interactions" in text and "required" in text


def test_tables_written_by_hand_are_checked_too(command):
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("create schema raw")
        connection.execute(f"create table raw.components as {own_logs.TABLES['components']}")
        connection.execute(
            "create table raw.interactions as select * exclude (surface), 1 as flag"
            f" from ({own_logs.TABLES['interactions']})"
        )
    code, text = command("land")
    assert code == cli.EXIT_USER
    assert "column surface" in text and "column flag" in text and "raw.interactions" in text


PLANS = """
    select plan_id, 'interaction' as unit_type, design, cast(units as bigint) as expected_units,
        cast(defence as double) as defence_share, cast(null as bigint) as audit_units, cast(null as double) as audit_floor,
        policy_id, date '2026-03-02' as valid_from
    from (values {rows}) as plans (plan_id, design, units, defence, policy_id)
"""


def test_plans_that_cannot_work_are_refused_before_a_draw(command):
    """First by what their rows say, then by what the frame has; a plan that asks for all of a day is not refused. They hold from the
    first day on: a plan without a date begins after what has been drawn."""
    rows = (
        "('good', 'pareto', 10, 0.5, null), ('word', 'lottery', 10, 0.5, null), ('lost', 'pareto', 10, 0.5, 'nobody')"
    )
    folder = own_logs.write(command.folder / "raw", sampling_plans=PLANS.format(rows=rows))
    code, text = command("run", "--raw-folder", folder)
    assert code == cli.EXIT_BLOCKED
    (held,) = [line for line in text.splitlines() if "held back by plans_can_be_read" in line]
    assert "plan_id=good" not in held
    assert "plan_id=word message=design is lottery; put one of" in text
    assert "plan_id=lost message=policy_id nobody is none of the 4 policies" in text and "Remedy" in text
    ((smallest, largest),) = command.query(
        "select min(n), max(n) from (select count(*) as n from staging.stg_interactions group by unit_date)"
    )
    rows = f"('all', 'poisson', {smallest}, 1, null), ('more', 'poisson', {largest + 1}, 1, null)"
    own_logs.write(folder, sampling_plans=PLANS.format(rows=rows))
    code, text = command("run", "--raw-folder", folder)
    assert code == cli.EXIT_BLOCKED, text
    assert "held back by plans_can_work" in text and "plan_id=all message" not in text
    assert f"plan_id=more message=expected_units is {largest + 1} and the frame has" in text
    # the others were drawn, and wait for labels
    assert command.query("select distinct plan_id from draws.draw_units order by all") == [("all",), ("good",)]
    assert command.query(
        "select plan_id, state, reason, count(distinct sample_date) from quality.part_states group by all order by all"
    ) == [
        ("all", "waiting", "expert_answers_open", own_logs.DAYS),
        ("good", "waiting", "expert_answers_open", own_logs.DAYS),
        ("more", "held", "plans_can_work", own_logs.DAYS),
    ]


# --- accepted: types that can be read without guessing --------------------------------------------------------------------


def test_optional_columns_are_null_where_a_file_leaves_them_out(command):
    folder = own_logs.write(
        command.folder / "raw",
        sampling_plans="select *, 0.25 as score_power from {table}",
        policies="select 'spam' as policy_id, '1.0.0' as policy_version, 'Spam' as title, 2.0 as importance",
    )
    code, text = command("land", "--raw-folder", folder)
    assert code == 0, text
    assert command.query("select score_power, exposure_power, stratum_bounds from raw.sampling_plans") == [
        (0.25, None, None)
    ]
    assert {row for row in command.query("select importance from raw.policies")} == {(2.0,)}


def test_tables_of_an_older_version_gain_the_optional_columns(command):
    command("land", "--raw-folder", own_logs.write(command.folder / "raw"))
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("create table kept as select * exclude (minimum_stratum_units) from raw.sampling_plans")
        connection.execute("drop view raw.sampling_plans")
        connection.execute("create table raw.sampling_plans as from kept")
    code, text = command("land")
    assert code == 0, text
    assert command.query("select plan_id, minimum_stratum_units from raw.sampling_plans") == [
        ("all_interactions", None)
    ]
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("drop table raw.sampling_plans")
        connection.execute("create view raw.sampling_plans as from kept")
    code, text = command("land")
    assert code == cli.EXIT_USER
    assert "view raw.sampling_plans has no column minimum_stratum_units" in text and "Remedy" in text


def test_compatible_types_are_cast(command):
    folder = own_logs.write(
        command.folder / "raw",
        interactions="select * replace (occurred_at at time zone 'UTC' as occurred_at) from {table}",
        components="select * replace (cast(position as utinyint) as position) from {table}",
        risk_scores="""
            select * replace (cast(score as decimal(4, 2)) as score, cast(scored_at as date) as scored_at)
            from {table}
        """,
    )
    code, text = command("land", "--raw-folder", folder)
    assert code == 0, text
    types = command.query(
        "select column_name, data_type from information_schema.columns where table_schema = 'raw' and"
        " (table_name, column_name) in (('interactions', 'occurred_at'), ('components', 'position'),"
        " ('risk_scores', 'score'), ('risk_scores', 'scored_at'))"
    )
    assert dict(types) == {
        "occurred_at": "TIMESTAMP",
        "position": "BIGINT",
        "score": "DOUBLE",
        "scored_at": "TIMESTAMP",
    }
    assert (
        command.query("select min(occurred_at) from raw.interactions")
        == duckdb.execute(f"select min(occurred_at) from ({own_logs.TABLES['interactions']})").fetchall()
    )


def test_files_of_one_table_may_differ_in_width(command):
    folder = own_logs.write(command.folder / "raw", components=None)
    for number, kind in enumerate(("smallint", "bigint")):
        (folder / "components" / f"part={number}").mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select * replace (cast(position as {kind}) as position) from ({own_logs.TABLES['components']})"
                f" where position = {number}) to '{folder}/components/part={number}/rows.parquet'"
            )
    code, text = command("land", "--raw-folder", folder)
    assert code == 0, text
    assert command.query("select count(*), sum(position) from raw.components") == [
        (2 * own_logs.INTERACTIONS, own_logs.INTERACTIONS)
    ]


def test_a_column_of_nothing_but_nulls_needs_no_type(command):
    import pyarrow.parquet

    folder = own_logs.write(command.folder / "raw")
    path = folder / "interactions.parquet"
    table = pyarrow.parquet.read_table(path)
    place = table.schema.get_field_index("experiment_id")
    nulls = pyarrow.nulls(table.num_rows)
    pyarrow.parquet.write_table(table.set_column(place, "experiment_id", nulls), path)
    code, text = command("land", "--raw-folder", folder)
    assert code == 0, text


# --- answers and worlds are never dropped ------------------------------------------------------------------------------------


def answer(command: Command) -> None:
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("insert into raw.label_events (label_event_id, assignment_id) values ('e1', 'a1')")


def test_landing_again_keeps_the_answers(command):
    folder = own_logs.write(command.folder / "raw")
    command("land", "--raw-folder", folder)
    answer(command)
    assert command("land", "--raw-folder", folder)[0] == 0
    assert command.query("select label_event_id from raw.label_events") == [("e1",)]


def test_answers_in_the_warehouse_are_not_replaced_by_a_file(command):
    folder = own_logs.write(command.folder / "raw")
    command("land", "--raw-folder", folder)
    answer(command)
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute(f"copy raw.label_events to '{folder}/label_events.parquet' (format parquet)")
    code, text = command("land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "label_events" in text and "1 rows of its own" in text
    assert command.query("select label_event_id from raw.label_events") == [("e1",)]


def test_answers_that_vanish_from_the_folder_are_missed(command):
    folder = own_logs.write(command.folder / "raw")
    command("land", "--raw-folder", folder)
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute(f"copy raw.label_events to '{folder}/label_events.parquet' (format parquet)")
    assert command("land", "--raw-folder", folder)[0] == 0
    (folder / "label_events.parquet").unlink()
    code, text = command("land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "forget every label" in text


def test_a_second_world_sets_the_first_aside(command):
    from prevalence.engines import warehouse
    from prevalence.engines.settings import Settings
    from prevalence.engines.warehouse_interface import DEMO_WORLD, OWN_LOGS

    command("land", "--raw-folder", own_logs.write(command.folder / "raw"))
    settings = Settings.from_environment()
    said = warehouse.switch_world(settings, DEMO_WORLD)
    assert "prevalence.own_logs.duckdb" in said and not command.warehouse.exists()
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.demo_world_settings (settings varchar, is_complete boolean)")
    warehouse.switch_world(settings, OWN_LOGS)
    assert command.query("select count(*) from raw.interactions") == [(own_logs.INTERACTIONS,)]
    assert (command.folder / "prevalence.demo_world.duckdb").exists()


# --- another process ---------------------------------------------------------------------------------------------------------


def test_a_second_process_is_named(command):
    code = f"import duckdb; c = duckdb.connect({str(command.warehouse)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        folder = own_logs.write(command.folder / "raw")
        results = [command("land", "--raw-folder", folder), command("run"), command("where"), dbt_seed(command)]
        other.communicate("\n")
    for code, text in results:
        assert code == cli.EXIT_USER
        assert "Another process holds the warehouse" in text and "Remedy" in text
    assert command("land", "--raw-folder", folder)[0] == 0


def dbt_seed(command: Command) -> tuple[int, str]:
    """dbt is given the file when another process has taken it between two steps."""
    from prevalence.engines.dbt import Dbt, Window
    from prevalence.engines.settings import Settings, UserError

    window = Window(date(2026, 3, 2), date(2026, 3, 5))
    with pytest.raises(UserError) as error:
        Dbt(Settings.from_environment(), window, {}, None).seed()
    return cli.EXIT_USER, str(error.value)


def test_too_little_memory_is_named_with_the_setting_that_gives_more(command, monkeypatch):
    monkeypatch.setenv("PREVALENCE_MEMORY_LIMIT", "3MB")
    days = ("--start-date", "2026-10-05", "--end-date", "2026-10-06")
    code, text = command("demo", "--interactions", "1000", *days)
    assert code == cli.EXIT_FAILED
    assert "DuckDB may use 3MB" in text and "PREVALENCE_MEMORY_LIMIT=6GB" in text
    # models that are built day by day say why, too
    assert not re.search(r": ERROR$", text, re.MULTILINE)


def test_a_warehouse_that_is_not_duckdb_is_named(command):
    command.warehouse.write_text("not a database " * 1000)
    code, text = command("land")
    assert code == cli.EXIT_USER and "cannot be opened" in text and "Remedy" in text


# --- refused: the window ------------------------------------------------------------------------------------------------------


def with_clocks(command: Command, rows: int, *clocks: str) -> Path:
    """Logs with the times of the first rows replaced, each by the next of the clocks."""
    whens = " ".join(
        f"when number < {rows} and number % {len(clocks)} = {place} then timestamp '{clock}'"
        for place, clock in enumerate(clocks)
    )
    return own_logs.write(
        command.folder / "raw",
        interactions=f"""
            select * exclude (number) replace (case {whens} else occurred_at end as occurred_at)
            from (select *, cast(substr(interaction_id, 2) as integer) as number from {{table}})
        """,
    )


WRONG_CLOCKS = (
    *("1970-01-01", "9999-12-31 23:59:59", "infinity", "-infinity", "0044-03-15 (BC)", "29719-04-05", "0001-01-01"),
    *("2026-03-14 10:00:00", "2027-03-03"),
)


def test_wrong_clocks_of_few_rows_are_set_aside_and_said(command):
    from prevalence.command_line.due_days import choose_days
    from prevalence.engines.dbt import Dbt, Window
    from prevalence.engines.settings import Settings

    folder = with_clocks(command, len(WRONG_CLOCKS), *WRONG_CLOCKS)
    assert command("land", "--raw-folder", folder)[0] == 0
    settings = Settings.from_environment()
    dbt = Dbt(settings, None, {}, None)
    dbt.seed()
    said = choose_days(settings, dbt, None, None, {})
    assert dbt.windows == (Window(date(2026, 3, 2), date(2026, 3, 5)),)
    assert f"{len(WRONG_CLOCKS)} rows" in said and "infinity" in said and "outside_period" in said
    assert "--start-date" in said
    # an end that is given is kept, and what lies outside it is not judged
    choose_days(settings, dbt, date(2026, 3, 3), None, {})
    assert dbt.windows == (Window(date(2026, 3, 3), date(2026, 3, 5)),)
    choose_days(settings, dbt, None, None, {"wrong_clock_share": 0.25})
    assert dbt.windows == (Window(date(2026, 3, 2), date(2026, 3, 5)),)


@pytest.mark.parametrize("clock", ["1970-01-01", "9999-12-31", "infinity", "-infinity", "0044-03-15 (BC)"])
@pytest.mark.parametrize("rows", [own_logs.INTERACTIONS // 2, own_logs.INTERACTIONS])
def test_wrong_clocks_of_many_rows_are_named(command, clock, rows):
    if rows == own_logs.INTERACTIONS and clock == "1970-01-01":
        pytest.skip("a log of one day, as any other")
    code, text = command("run", "--raw-folder", with_clocks(command, rows, clock))
    assert code == cli.EXIT_USER
    assert clock[:8] in text and "400" in text and "--start-date" in text


def test_logs_without_times_are_named(command):
    folder = own_logs.write(
        command.folder / "raw",
        interactions="select * replace (cast(null as timestamp) as occurred_at) from {table}",
    )
    code, text = command("run", "--raw-folder", folder)
    assert code == cli.EXIT_USER and "occurred_at" in text


# --- set aside by row, or stopped by a gate --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_bad_rows_are_set_aside_by_reason_and_every_row_is_accounted_for(command):
    folder = own_logs.write(command.folder / "raw", **own_logs.spoiled())
    code, text = command("run", "--raw-folder", folder)
    # the draw is made of what is usable, and its labels are asked for
    assert code == EXIT_WAITING and "Open assignments" in text, text
    assert command.query(
        "select label_event_id, row_disposition, quarantine_reason from staging.stg_label_events_classified order by all"
    ) == [
        ("e1", "quarantined", "unknown_policy"),
        ("e2", "quarantined", "unknown_assignment"),
        (None, "quarantined", "missing_label_event_id"),
    ]

    reasons = command.query(
        "select source_name, quarantine_reason, sum(row_count) from quality.log_quarantine_reasons group by all"
    )
    assert {(source, reason): rows for source, reason, rows in reasons} == {
        ("interactions", "missing_interaction_id"): 1,
        ("interactions", "missing_surface"): 1,
        ("interactions", "missing_occurred_at"): 1,
        ("components", "interaction_missing"): 2,
        ("components", "missing_interaction_id"): 2,
        ("components", "missing_content_id"): 1,
        ("components", "missing_position"): 1,
        ("risk_scores", "score_out_of_range"): 2,
        ("risk_scores", "score_not_a_number"): 1,
        ("risk_scores", "missing_score"): 1,
        ("risk_scores", "unknown_policy"): 1,
    }
    accounting = command.query(
        "select source_name, sum(landed_rows), sum(used_rows + late_rows), sum(duplicate_rows),"
        " sum(quarantined_rows), sum(abs(unaccounted_rows)) from quality.log_row_accounting"
        " where source_name in ('interactions', 'components', 'risk_scores') group by all order by all"
    )
    assert accounting == [
        ("components", 2 * own_logs.INTERACTIONS + 8, 2 * own_logs.INTERACTIONS, 2, 6, 0),
        ("interactions", own_logs.INTERACTIONS + 5, own_logs.INTERACTIONS, 2, 3, 0),
        ("risk_scores", 156, 150, 1, 5, 0),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["interactions", "components"])
def test_a_day_without_rows_blocks_and_is_named(command, table):
    condition = {
        "interactions": "cast(occurred_at as date) <> date '2026-03-03'",
        "components": "cast(substr(interaction_id, 2) as bigint) % 3 <> 1",
    }[table]
    folder = own_logs.write(command.folder / "raw", **{table: f"select * from {{table}} where {condition}"})
    code, text = command("run", "--raw-folder", folder)
    assert code == cli.EXIT_BLOCKED
    assert "held back by every_day_has_rows" in text and "2026-03-03" in text
    # the day is not drawn, and the others wait for labels
    assert command.query("select distinct cast(sample_date as varchar) from draws.draw_units order by all") == [
        ("2026-03-02",),
        ("2026-03-04",),
    ]


# --- refused: places, settings, policies and plans ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("/dev/null/x/prevalence.duckdb", "cannot be made"),
        ("/proc/nowhere/prevalence.duckdb", "cannot be made"),
        ("/sys/prevalence.duckdb", "cannot be written"),
        ("{folder}", "is no file"),
        ("{folder}/pipe", "is no file"),
        ("{folder}/raw.duckdb", "database of the name raw"),
        ("{folder}/Marts.v1.duckdb", "database of the name marts"),
    ],
)
def test_a_place_where_no_warehouse_can_be_is_named(command, monkeypatch, place, named):
    os.mkfifo(command.folder / "pipe")
    folder = own_logs.write(command.folder / "raw_logs")
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", place.format(folder=command.folder))
    code, text = command("land", "--raw-folder", folder)
    assert code == cli.EXIT_USER and named in text and "Remedy" in text and "PREVALENCE_DUCKDB_PATH" in text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PREVALENCE_MEMORY_LIMIT", "abc"),
        ("PREVALENCE_MEMORY_LIMIT", "6 apples"),
        ("PREVALENCE_DUCKDB_THREADS", "abc"),
        ("PREVALENCE_DUCKDB_THREADS", "0"),
        ("PREVALENCE_DUCKDB_THREADS", "1.5"),
    ],
)
def test_settings_that_mean_nothing_are_named(command, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    code, text = command("land", "--raw-folder", own_logs.write(command.folder / "raw"))
    assert code == cli.EXIT_USER and f"{variable} is {value!r}" in text and "Remedy" in text


def test_what_the_system_refuses_is_said_in_one_sentence(command, monkeypatch):
    """A full disk or a missing right, wherever it shows: exit code and sentence instead of a stack trace."""
    from prevalence.engines import landing

    for number, remedy in ((errno.ENOSPC, "the disk is full"), (errno.EROFS, "the right to write")):

        def refuse(*_, number: int = number):
            raise OSError(number, os.strerror(number), "somewhere")

        monkeypatch.setattr(landing, "land", refuse)
        code, text = command("land")
        assert code == cli.EXIT_USER and "refused at somewhere" in text and remedy in text and "Remedy" in text


def test_a_disk_that_fills_up_leaves_the_warehouse_as_it_was(command):
    """A limit on the size of files stands in for the disk; the next landing goes on."""
    folder = own_logs.write(command.folder / "raw")
    assert command("land", "--raw-folder", folder)[0] == 0
    with duckdb.connect(str(command.warehouse)) as connection:
        connection.execute("drop table raw.users")
        connection.execute("create table raw.users as select 'u' || n as user_id from range(10) as t (n)")
    size = command.warehouse.stat().st_size
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        "from prevalence.engines.duckdb_warehouse import DuckDb\n"
        "from prevalence.engines.settings import Settings, UserError\n"
        "try:\n"
        "    with DuckDb.open(Settings.from_environment(), read_only=False) as warehouse:\n"
        "        warehouse.execute('create table raw.big as select md5(n::varchar) as x from range(2000000) as t (n)')\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Remedy: the disk is full" in said.stdout and "Traceback" not in said.stderr, said
    assert command.query("select count(*) from raw.users") == [(10,)]


def test_policies_without_id_or_meaning_are_named_before_anything_is_built(command):
    rows = ", ".join(
        f"('{name}', '1.0.0', 'Title', cast({importance} as double))"
        for name, importance in (
            ("it''s", 1),
            ("it''s", 2),
            ("once", 1),
            ("odd", "'nan'"),
            ("less", -1),
            ("none", "null"),
            (" ", 1),
        )
    )
    plans = "select * from {table} union all select * replace (20 as expected_units) from {table}"
    folder = own_logs.write(
        command.folder / "raw",
        policies=f"select * from (values {rows}) as t (policy_id, policy_version, title, importance)",
        sampling_plans=plans,
    )
    code, text = command("run", "--raw-folder", folder)
    assert code == cli.EXIT_USER
    # what stands twice holds itself back alone, later (quality.plan_row_problems, quality.policy_row_problems)
    assert " times" not in text
    assert "importance of policy_id odd is nan" in text and "importance of policy_id less is -1.0" in text
    assert "policy_id is empty in 1 rows" in text and "once" not in text and "none" not in text
    # the landing was taken back, too
    assert not command.query("select 1 from information_schema.tables where table_schema in ('raw', 'staging')")
