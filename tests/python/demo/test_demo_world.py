"""The demo world: the same for the same seed, as rare and as lopsided as it says, with the truth of its own rows."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from prevalence.engines.contract import raw_tables
from prevalence.engines.duckdb_warehouse import DuckDb

ROOT = Path(__file__).resolve().parents[3]
POLICIES = {"adult_content", "harassment", "misinformation", "self_harm"}

# what a correct pipeline uses, said again and from the landing tables alone
CLEAN_VIEWS = """
    create or replace temp view clean_interactions as
    select distinct interaction_id, surface, country, cast(occurred_at as date) as day
    from raw.interactions
    where
        interaction_id is not null
        and surface is not null
        and occurred_at >= timestamp '{start}'
        and occurred_at < timestamp '{end}';

    create or replace temp view clean_views as
    select components.*, interactions.surface, interactions.country, interactions.day
    from (select distinct * from raw.components) as components
    inner join clean_interactions as interactions
        on components.interaction_id = interactions.interaction_id
    where
        components.position is not null
        and components.content_id is not null
        and components.was_viewed is distinct from false;
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The project, parsed once: only vars that models read when they are compiled differ between the worlds."""
    folder = tmp_path_factory.mktemp("parsed")
    return invoke(folder, None, "parse", {"demo_world": True}).result


def invoke(folder: Path, manifest: Manifest | None, command: str, names: dict, *options: str) -> dbtRunnerResult:
    arguments = [
        *[command, "--quiet", "--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--vars", json.dumps(names)],
        *["--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), *options],
    ]
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        # the parsed project names the database after the file, so every world's file has the same name
        patch.setenv("PREVALENCE_DUCKDB_PATH", str(folder / "world.duckdb"))
        DuckDb.release_dbt()
        outcome = dbtRunner(manifest=manifest).invoke(arguments)
        DuckDb.release_dbt()
    assert outcome.success, f"{outcome.exception or ''}\n{said.getvalue()}"
    return outcome


class World:
    """A demo world in a file of its own."""

    def __init__(
        self,
        folder: Path,
        parsed: Manifest,
        start: str,
        end: str,
        threads: int = 2,
        command: str = "run",
        **variables: object,
    ) -> None:
        self.start, self.end = start, end
        self.path = folder / "world.duckdb"
        names = {f"demo_world_{name}": value for name, value in variables.items()}
        names |= {"demo_world": True, "demo_world_start_date": start, "demo_world_end_date": end}
        options = ["--select", "path:demo/raw_world", "--threads", str(threads)]
        invoke(folder, parsed, command, names, *options, "--event-time-start", start, "--event-time-end", end)

    @contextlib.contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.path}' as world (read_only); use world; set TimeZone = 'UTC'")
            connection.execute(CLEAN_VIEWS.format(start=self.start, end=self.end))
            yield connection

    def rows(self, sql: str) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]


THREE_DAYS = {"start": "2026-10-05", "end": "2026-10-08", "interactions": 6000}


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory, parsed: Manifest) -> World:
    """Built with the data tests of every table."""
    return World(tmp_path_factory.mktemp("small"), parsed, command="build", **THREE_DAYS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, parsed: Manifest) -> World:
    """The default shape, at a third of its size."""
    return World(tmp_path_factory.mktemp("world"), parsed, "2026-10-05", "2026-11-02", interactions=60000)


def differing_tables(one: World, other: World) -> dict[str, int]:
    """Rows of each table that the two worlds do not share, duplicates counted; tables without any are left out."""
    differences = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one.path}' as one (read_only); attach '{other.path}' as other (read_only)")
        tables = connection.execute(
            """
            select distinct schema_name || '.' || table_name from duckdb_tables()
            where database_name in ('one', 'other')
            """
        ).fetchall()
        assert len(tables) >= 10
        for (table,) in tables:
            differences[table] = connection.execute(
                f"""
                select count(*)
                from (
                    (select * from one.{table} except all select * from other.{table})
                    union all
                    (select * from other.{table} except all select * from one.{table})
                )
                """
            ).fetchone()[0]
    return {table: rows for table, rows in differences.items() if rows}


def test_the_same_seed_gives_the_same_world(small_world: World, parsed: Manifest, tmp_path: Path) -> None:
    again = World(tmp_path, parsed, threads=1, **THREE_DAYS)
    assert differing_tables(small_world, again) == {}


def test_another_seed_gives_another_world(small_world: World, parsed: Manifest, tmp_path: Path) -> None:
    other = World(tmp_path, parsed, seed=2, **THREE_DAYS)
    assert set(differing_tables(small_world, other)) >= {
        "demo_world.world_requests",
        "demo_world.world_components",
        "demo_world.world_content_risks",
        "demo_world.world_scores",
        "truth.prevalence",
    }
    shared = "select count(*) from (select interaction_id from one.{0} intersect select interaction_id from other.{0})"
    with duckdb.connect() as connection:
        for name, path in (("one", small_world.path), ("other", other.path)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        assert connection.execute(shared.format("demo_world.world_requests")).fetchone()[0] == 0


def test_raw_tables_are_the_input_contract(small_world: World) -> None:
    contract = {table.name: table for table in raw_tables()}
    names = {row[0] for row in small_world.rows("select table_name from duckdb_columns() where schema_name = 'raw'")}
    assert {"users", "interactions", "components", "risk_scores"} <= names
    for name in names:
        found = small_world.rows(f"select column_name, column_type from (describe raw.{name})")
        assert found == [(column.name, column.duckdb_type) for column in contract[name].columns], name


def test_worlds_of_a_day_share_nothing(parsed: Manifest, tmp_path: Path) -> None:
    world = World(tmp_path, parsed, "2026-10-05", "2026-10-08", interactions=3000, days_per_world=1)
    shared = "select count(*) from (select {0} from {1} group by {0} having count(distinct day) > 1)"
    assert world.value(shared.format("content_id", "clean_views")) == 0
    users = """(
        select user_id, cast(occurred_at as date) as day
        from raw.interactions where user_id is not null and occurred_at > '2000-01-01'
    )"""
    assert world.value(shared.format("user_id", users)) == 0
    assert world.value("select count(distinct day) from clean_views") == 3


def test_worlds_of_several_days_keep_their_contents_and_share_none(parsed: Manifest, tmp_path: Path) -> None:
    world = World(tmp_path, parsed, "2026-10-05", "2026-10-09", interactions=2000, days_per_world=2)
    days = (
        "select content_id, list(distinct date_diff('day', date '2026-10-05', day)) as days from clean_views group by 1"
    )
    assert world.value(f"select count(*) from ({days}) where list_sort(days) in ([0, 1], [2, 3])") > 100
    assert (
        world.value(f"select count(*) from ({days}) where list_sort(days) not in ([0], [1], [2], [3], [0, 1], [2, 3])")
        == 0
    )
    users = """
        select user_id from raw.interactions
        where user_id is not null and occurred_at between '2026-10-05' and '2026-10-09'
        group by user_id having count(distinct occurred_at >= timestamp '2026-10-07') > 1
    """
    assert world.rows(users) == []
    (tmp_path / "odd").mkdir()
    for days in (2, 0):
        with pytest.raises(AssertionError, match="no whole number of such worlds"):
            World(tmp_path / "odd", parsed, "2026-10-05", "2026-10-08", interactions=2000, days_per_world=days)


def test_it_has_the_size_it_is_asked_for(world: World) -> None:
    assert 59000 <= world.value("select count(*) from clean_interactions") <= 61000
    assert 290000 <= world.value("select count(*) from clean_views") <= 330000
    assert world.value("select count(distinct surface) from clean_interactions") == 4
    assert world.value("select count(distinct country) from clean_interactions") == 6
    assert world.value("select count(*) from clean_interactions where country is null") > 0
    assert world.value("select count(distinct day) from clean_interactions") == 28


def test_positions_have_no_gaps(world: World) -> None:
    gaps = """
        select count(*) from (
            select interaction_id, count(distinct position) as places, max(position) as last
            from raw.components
            where content_id is not null and position is not null and interaction_id in (
                select interaction_id from clean_interactions
            )
            group by interaction_id
        ) where last <> places - 1
    """
    assert world.value(gaps) == 0


def test_prevalences_are_rare_and_differ(world: World) -> None:
    prevalence = dict(
        world.rows(
            """
            select policy_id, true_prevalence from truth.prevalence
            where period_type = '28_days' and unit_type = 'content_day' and pivot_name = 'overall'
            """
        )
    )
    assert set(prevalence) == POLICIES
    assert all(0.0005 <= share <= 0.01 for share in prevalence.values()), prevalence
    ordered = sorted(prevalence.values())
    assert all(higher > 1.1 * lower for lower, higher in zip(ordered, ordered[1:])), prevalence


def test_one_policy_steps_up_on_the_fifteenth_day(world: World) -> None:
    ratios = dict(
        world.rows(
            """
            select
                policy_id,
                sum(violating_exposure) filter (period_start >= '2026-10-19')
                / sum(exposure) filter (period_start >= '2026-10-19')
                / (
                    sum(violating_exposure) filter (period_start < '2026-10-19')
                    / sum(exposure) filter (period_start < '2026-10-19')
                )
            from truth.prevalence
            where period_type = 'day' and unit_type = 'content_day' and pivot_name = 'overall'
            group by policy_id
            """
        )
    )
    # few contents carry a policy's violations, so each wanders from fortnight to fortnight; the step stands out
    assert 1.2 <= ratios["harassment"] == max(ratios.values()), ratios
    shown = """
        select avg({share}) filter (day_number >= 14) / avg({share}) filter (day_number < 14)
        from demo_world.world_requests
    """
    assert 1.5 <= world.value(shown.format(share="share_2")) <= 1.75
    assert all(0.97 <= world.value(shown.format(share=f"share_{number}")) <= 1.03 for number in (1, 3, 4))


def test_content_truth_is_that_of_the_rows(world: World) -> None:
    sums = """
        with firsts as (
            select content_id, min(cast(scored_at as date)) as first_scored_date
            from raw.risk_scores
            where score between 0 and 1 and policy_id <> 'spam' and content_id is not null
            group by content_id
        ),
        rows as (
            select
                clean_views.*,
                case
                    when first_scored_date is null or first_scored_date > day then 'unknown'
                    when day - first_scored_date <= 1 then '0_1_days'
                    when day - first_scored_date <= 7 then '2_7_days'
                    when day - first_scored_date <= 27 then '8_27_days'
                    else '28_days_or_more'
                end as content_age
            from clean_views left join firsts on clean_views.content_id = firsts.content_id
        )
        select
            day, labels.policy_id, {pivot} as pivot_value,
            count(distinct rows.content_id), count(*), count_if(labels.is_violating)
        from rows inner join truth.content_labels as labels on rows.content_id = labels.content_id
        group by all
    """
    stored = """
        select period_start, policy_id, pivot_value, units, exposure, violating_exposure
        from truth.prevalence
        where period_type = 'day' and unit_type = 'content_day' and pivot_name = '{pivot_name}'
    """
    pivots = {
        "overall": "'all'",
        "surface": "surface",
        "country": "coalesce(country, 'unknown')",
        "content_age": "content_age",
    }
    for pivot_name, pivot in pivots.items():
        recomputed = world.rows(sums.format(pivot=pivot))
        assert sorted(recomputed) == sorted(world.rows(stored.format(pivot_name=pivot_name))), pivot_name
        assert len(recomputed) >= 28 * 4


def test_interaction_truth_is_that_of_the_rows(world: World) -> None:
    recomputed = world.rows(
        """
        with part_violations as (
            select distinct clean_views.interaction_id, labels.policy_id
            from clean_views
            inner join truth.content_labels as labels on clean_views.content_id = labels.content_id
            where labels.is_violating
        )
        select
            interactions.day, policies.policy_id, count(*),
            count(part_violations.interaction_id) as any_component,
            count_if(labels.whole_violates_alone) as whole_alone,
            count_if(part_violations.interaction_id is not null and labels.whole_violates_alone) as both,
            count_if(
                (part_violations.interaction_id is not null) <> coalesce(labels.any_component_violates, false)
            ) as wrong
        from clean_interactions as interactions
        cross join (select distinct policy_id from truth.content_labels) as policies
        left join part_violations
            on interactions.interaction_id = part_violations.interaction_id
            and policies.policy_id = part_violations.policy_id
        left join truth.interaction_labels as labels
            on interactions.interaction_id = labels.interaction_id and policies.policy_id = labels.policy_id
        group by all
        order by all
        """
    )
    assert len(recomputed) == 28 * 4
    assert all(row[5] == 0 and row[6] == 0 for row in recomputed)
    assert sum(row[4] for row in recomputed) > 50
    stored = {
        (day, policy, name, value): (exposure, violating)
        for day, policy, name, value, exposure, violating in world.rows(
            """
            select period_start, policy_id, pivot_name, pivot_value, exposure, violating_exposure
            from truth.prevalence where period_type = 'day' and unit_type = 'interaction'
            """
        )
    }
    for day, policy, interactions, any_component, whole_alone, *_ in recomputed:
        assert stored[day, policy, "overall", "all"] == (interactions, any_component + whole_alone)
        assert stored[day, policy, "violation_scope", "any_component"] == (interactions, any_component)
        assert stored[day, policy, "violation_scope", "whole_alone"] == (interactions, whole_alone)


def test_truth_of_signed_in_users_is_that_of_the_rows(world: World) -> None:
    """Components, interactions, sessions and user-days, said again from the landing tables and the labels of contents."""
    recomputed = world.rows(
        """
        with interactions as (
            select distinct clean_interactions.*, user_id, user_id || session_id as session
            from clean_interactions inner join raw.interactions using (interaction_id)
            where user_id is not null and raw.interactions.surface is not null
        ),
        policies as (select distinct policy_id from truth.content_labels),
        answers as (
            select interactions.*, policies.policy_id, labels.interaction_id is not null as violates
            from interactions cross join policies
            left join truth.interaction_labels as labels using (interaction_id, policy_id)
        ),
        units as (
            select 'component' as unit_type, interactions.day, labels.policy_id, labels.is_violating as violates
            from interactions
            inner join clean_views using (interaction_id)
            inner join truth.content_labels as labels using (content_id)
            union all
            select 'interaction', day, policy_id, violates from answers
            union all
            select 'session', day, policy_id, bool_or(violates) from answers
            where session is not null group by day, policy_id, session
            union all
            select 'user_day', day, policy_id, bool_or(violates) from answers group by day, policy_id, user_id
        )
        select unit_type, day, policy_id, count(*), count_if(violates) from units group by all
        """
    )
    stored = world.rows(
        """
        select unit_type, period_start, policy_id, units, violating_units
        from truth.signed_in_prevalence where period_type = 'day' and pivot_name = 'overall'
        """
    )
    assert sorted(recomputed) == sorted(stored) and len(stored) == 4 * 28 * 4
    # days are parts of the longer periods, and values of a pivot parts of the whole
    for longer in ("week", "28_days"):
        assert world.rows(
            f"""
            select sum(case when period_type = 'day' then units else -units end),
                sum(case when period_type = 'day' then violating_units else -violating_units end)
            from truth.signed_in_prevalence where period_type in ('day', '{longer}')
            """
        ) == [(0, 0)]
    for pivot in ("surface", "country"):
        assert world.rows(
            f"""
            select sum(case when pivot_name = 'overall' then units else -units end),
                sum(case when pivot_name = 'overall' then violating_units else -violating_units end)
            from truth.signed_in_prevalence
            where unit_type in ('component', 'interaction') and pivot_name in ('overall', '{pivot}')
            """
        ) == [(0, 0)]
    assert world.rows(
        """
        select sum(case when pivot_name = 'overall' then violating_units else -violating_units end)
        from truth.signed_in_prevalence
        where unit_type = 'interaction' and pivot_name in ('overall', 'violation_scope')
        """
    ) == [(0,)]


def test_interactions_are_as_old_as_their_newest_component(world: World) -> None:
    recomputed = world.rows(
        """
        with firsts as (
            select content_id, min(cast(scored_at as date)) as first_scored_date
            from raw.risk_scores
            where score between 0 and 1 and policy_id <> 'spam' and content_id is not null
            group by content_id
        ),
        ages as (
            select interaction_id, min(day - first_scored_date) as age
            from clean_views inner join firsts on clean_views.content_id = firsts.content_id
            where first_scored_date <= day
            group by interaction_id
        )
        select
            case
                when age is null then 'unknown' when age <= 1 then '0_1_days' when age <= 7 then '2_7_days'
                when age <= 27 then '8_27_days' else '28_days_or_more'
            end as bucket,
            count(*)
        from clean_interactions left join ages on clean_interactions.interaction_id = ages.interaction_id
        group by bucket order by bucket
        """
    )
    stored = world.rows(
        """
        select pivot_value, exposure from truth.prevalence
        where period_type = '28_days' and unit_type = 'interaction' and pivot_name = 'content_age'
            and policy_id = 'self_harm'
        order by pivot_value
        """
    )
    assert recomputed == stored
    assert len(stored) >= 3


def test_weeks_and_four_weeks_are_sums_of_days(world: World) -> None:
    sums = dict(world.rows("select period_type, sum(violating_exposure) from truth.prevalence group by period_type"))
    assert sums["day"] == sums["week"] == sums["28_days"] > 0
    starts = world.rows("select distinct period_start from truth.prevalence where period_type = '28_days'")
    assert [str(row[0]) for row in starts] == ["2026-10-05"]


def test_planted_faults_are_the_rows_that_stand_out(world: World) -> None:
    planted = {(source, fault): rows for source, fault, rows in world.rows("select * from truth.planted_faults")}
    seen = {
        ("users", "null_user_id"): "select count(*) from raw.users where user_id is null",
        ("users", "null_country"): "select count(*) from raw.users where country is null",
        ("users", "duplicate"): "select count(user_id) - count(distinct user_id) from raw.users",
        ("interactions", "null_interaction_id"): "select count(*) from raw.interactions where interaction_id is null",
        ("interactions", "null_occurred_at"): "select count(*) from raw.interactions where occurred_at is null",
        ("interactions", "null_surface"): "select count(*) from raw.interactions where surface is null",
        ("interactions", "outside_period"): "select count(*) from raw.interactions where occurred_at < '2026-10-05'",
        ("interactions", "duplicate"): """
            select count(interaction_id) - count(distinct interaction_id) from raw.interactions
        """,
        ("components", "null_content_id"): "select count(*) from raw.components where content_id is null",
        ("components", "null_position"): "select count(*) from raw.components where position is null",
        ("components", "null_interaction_id"): "select count(*) from raw.components where interaction_id is null",
        ("components", "without_interaction"): """
            select count(interaction_id) from raw.components
            where interaction_id not in (select interaction_id from raw.interactions where interaction_id is not null)
        """,
        ("components", "duplicate"): """
            select count(*) - count(distinct (interaction_id, position)) from raw.components
            where interaction_id is not null and position is not null and content_id is not null
        """,
        ("risk_scores", "null_content_id"): "select count(*) from raw.risk_scores where content_id is null",
        ("risk_scores", "unknown_policy"): "select count(*) from raw.risk_scores where policy_id = 'spam'",
        ("risk_scores", "score_above_one"): "select count(*) from raw.risk_scores where score > 1 and not isnan(score)",
        ("risk_scores", "score_below_zero"): "select count(*) from raw.risk_scores where score < 0",
        ("risk_scores", "score_nan"): "select count(*) from raw.risk_scores where isnan(score)",
        ("risk_scores", "duplicate"): """
            select count(*) - count(distinct (content_id, policy_id, model_version)) from raw.risk_scores
            where content_id is not null and policy_id <> 'spam' and score between 0 and 1
        """,
    }
    assert {key: world.value(sql) for key, sql in seen.items() if key in planted} == planted
    assert len(planted) >= 17
    bad = sum(rows for (source, fault), rows in planted.items() if source == "components" and fault != "duplicate")
    assert 0.0005 < bad / world.value("select count(*) from raw.components") < 0.002


def test_copies_differ_in_nothing_but_when_they_were_received(world: World) -> None:
    columns = "interaction_id, surface, occurred_at, user_id, session_id, country, client_stream_id, client_sequence"
    times, received = world.rows(
        f"""
        select count(*), count_if(received_times > 1) from (
            select {columns}, count(*) as copies, count(distinct received_at) as received_times
            from raw.interactions where interaction_id is not null group by all having copies > 1
        )
        """
    )[0]
    planted = "select rows from truth.planted_faults where source_name = 'interactions' and fault = 'duplicate'"
    assert times == world.value(planted)
    assert 0.2 * times < received < 0.8 * times


def test_logs_are_late_out_of_order_and_incomplete(world: World) -> None:
    late = world.value(
        "select avg(case when received_at > day + interval 48 hour then 1 else 0 end) from raw.interactions "
        "inner join clean_interactions using (interaction_id)"
    )
    assert 0.005 < late < 0.03
    out_of_order = world.value(
        """
        select count(*) from (
            select
                received_at < lag(received_at) over (partition by client_stream_id order by client_sequence) as is_back
            from raw.interactions
        ) where is_back
        """
    )
    assert out_of_order > 100
    gaps, streams = world.rows(
        """
        select count_if(last >= events), count(*) from (
            select client_stream_id, max(client_sequence) as last, count(distinct client_sequence) as events
            from raw.interactions where interaction_id is not null group by client_stream_id
        )
        """
    )[0]
    assert 0 < gaps < 0.05 * streams
    signed_out = world.value("select avg(case when user_id is null then 1 else 0 end) from raw.interactions")
    assert 0.1 < signed_out < 0.2


def test_views_have_a_heavy_tail(world: World) -> None:
    days, single, most, views, head = world.rows(
        """
        select count(*), count_if(views = 1), max(views), sum(views), sum(views) filter (place <= days / 100.0)
        from (
            select *, row_number() over (order by views desc) as place, count(*) over () as days
            from (select day, content_id, count(*) as views from clean_views group by day, content_id)
        )
        """
    )[0]
    assert single > 0.5 * days
    assert most > 200 * views / days / 2
    assert head > 0.2 * views


def test_few_users_meet_most_violations(world: World) -> None:
    share = world.value(
        """
        with met as (
            select requests.user_id, count(*) as views
            from clean_views
            inner join (select distinct interaction_id, user_id from raw.interactions) as requests
                on clean_views.interaction_id = requests.interaction_id
            inner join truth.content_labels as labels on clean_views.content_id = labels.content_id
            where labels.is_violating and requests.user_id is not null
            group by requests.user_id
        ),
        ranked as (select views, row_number() over (order by views desc) as place from met)
        select sum(views) filter (place <= (select count(distinct user_id) from raw.users) / 100.0) / sum(views)
        from ranked
        """
    )
    assert 0.12 < share < 0.6


def test_scores_help_and_err(world: World) -> None:
    quality = world.rows(
        """
        with ranked as (
            select
                scores.model_version, labels.is_violating, scores.score,
                rank() over (partition by scores.model_version order by scores.score)
                + (count(*) over (partition by scores.model_version, scores.score) - 1) / 2.0 as place
            from (
                select distinct content_id, policy_id, model_version, score from raw.risk_scores
                where score between 0 and 1 and policy_id <> 'spam' and content_id is not null
            ) as scores
            inner join truth.content_labels as labels
                on scores.content_id = labels.content_id and scores.policy_id = labels.policy_id
        )
        select
            model_version,
            (sum(place) filter (is_violating) - count_if(is_violating) * (count_if(is_violating) + 1) / 2)
            / (count_if(is_violating) * count_if(not is_violating)) as area,
            avg(score) as mean_score,
            avg(case when is_violating then 1 else 0 end) as rate
        from ranked group by model_version order by model_version
        """
    )
    (_, first_area, first_mean, first_rate), (_, second_area, _, _) = quality
    assert 0.80 < first_area < second_area < 0.995
    assert first_mean > 2 * first_rate, "the first version is badly calibrated"
    unscored = world.value(
        """
        select avg(case when scores.content_id is null then 1 else 0 end)
        from truth.content_labels as labels
        left join (select distinct content_id, policy_id from raw.risk_scores
            where model_version = '2026-06' and score between 0 and 1) as scores
            on labels.content_id = scores.content_id and labels.policy_id = scores.policy_id
        """
    )
    assert 0.04 < unscored < 0.09


def test_nothing_is_seen_before_it_exists(world: World) -> None:
    early = """
        select count(*)
        from raw.components
        inner join demo_world.world_contents as contents on components.content_id = contents.content_id
        inner join raw.interactions on components.interaction_id = interactions.interaction_id
        where interactions.occurred_at < contents.created_at
    """
    assert world.value(early) == 0
    orphans = """
        select count(*) from clean_views
        where content_id not in (select content_id from demo_world.world_contents)
    """
    assert world.value(orphans) == 0
