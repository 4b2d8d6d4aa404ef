"""The simulated labelers: everything that is asked is answered once, and the answers err as they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from test_demo_world import THREE_DAYS, World, invoke, parsed  # noqa: F401  (a fixture)

from prevalence.engines.contract import raw_tables

# every content, every interaction and the last viewed component of each under every policy; a few of them go to people
ASSIGNMENTS = """
    create schema labels;
    create schema draws;

    create table draws.draw_user_day_components as
    select
        'interaction_part' as unit_type, interaction_id || '|plan' as unit_id, interaction_id,
        max(position) as position, 'c0' as component_ref
    from demo_world.world_components
    where row_origin = 'component' and was_viewed is distinct from false
    group by interaction_id;

    create table labels.possible_assignments as
    select
        md5(unit_type || unit_key || policy_id || purpose || slot) as assignment_id,
        'itm_' || unit_key as item_id,
        'sha256:' || unit_key as item_hash,
        unit_type,
        unit_key || '|2026-10-05' as unit_id,
        unit_key,
        policy_id,
        '1.0.0' as policy_version,
        purpose,
        pool,
        cast(slot as bigint) as slot,
        date '2026-10-05' as sample_date,
        'protocol_' || pool as label_protocol_id
    from (
        select 'content_day' as unit_type, content_id as unit_key from demo_world.world_contents
        union all
        select 'interaction', interaction_id from demo_world.world_requests where not is_lost
        union all
        select unit_type, unit_id from draws.draw_user_day_components
        where interaction_id in (select interaction_id from demo_world.world_requests where not is_lost)
    )
    cross join (select distinct policy_id from truth.content_labels)
    cross join (
        values ('primary', 'llm', 0), ('audit', 'sme', 0), ('overlap', 'bpo', 0), ('overlap', 'bpo', 1)
    ) as slots (purpose, pool, slot);

    create table labels.label_assignments as select * from labels.possible_assignments where purpose = 'primary';
"""
AUDIT_ASSIGNMENTS = """
    create table labels.label_audit_assignments as select * from labels.possible_assignments where purpose <> 'primary'
"""


class Labelers:
    """A world whose assignments are answered when `answer` is called."""

    def __init__(self, world: World, parsed: object, folder: Path) -> None:
        self.folder, self.parsed = folder, parsed
        self.path = folder / world.path.name
        shutil.copy(world.path, self.path)
        self.execute(ASSIGNMENTS)

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)

    def answer(self) -> None:
        names = {"demo_world": True, "demo_world_interactions": THREE_DAYS["interactions"]}
        invoke(self.folder, self.parsed, "run", names, "--select", "path:demo/labelers")

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def labelers(tmp_path_factory: pytest.TempPathFactory, parsed: object) -> Labelers:
    world = World(tmp_path_factory.mktemp("world"), parsed, **THREE_DAYS)
    labelers = Labelers(world, parsed, tmp_path_factory.mktemp("labelers"))
    # the judge answers before anybody else is asked, into the empty table that landing makes
    (events,) = (table for table in raw_tables() if table.name == "label_events")
    labelers.execute(events.create_empty)
    labelers.answer()
    pools = labelers.rows("select pool, count(*) from raw.label_events group by pool")
    assert pools == labelers.rows("select pool, count(*) from labels.label_assignments group by pool")
    labelers.execute(AUDIT_ASSIGNMENTS)
    labelers.answer()
    return labelers


def test_every_assignment_is_answered_once(labelers: Labelers) -> None:
    open_or_twice = """
        select count(*) from (
            select possible_assignments.assignment_id from labels.possible_assignments
            left join raw.label_events as events
                on possible_assignments.assignment_id = events.assignment_id and possible_assignments.item_hash = events.item_hash
                and possible_assignments.pool = events.pool and possible_assignments.policy_id = events.policy_id
                and possible_assignments.label_protocol_id = events.label_protocol_id
            group by possible_assignments.assignment_id having count(events.assignment_id) <> 1
        )
    """
    assert labelers.rows(open_or_twice) == [(0,)]
    assert labelers.rows("select count(*) from raw.label_events") == labelers.rows(
        "select count(*) from labels.possible_assignments"
    )


def test_an_answer_is_never_given_again(labelers: Labelers) -> None:
    before = labelers.rows("select * from raw.label_events order by label_event_id")
    labelers.answer()
    assert labelers.rows("select * from raw.label_events order by label_event_id") == before


def test_answers_do_not_depend_on_when_they_are_asked_for(labelers: Labelers, tmp_path: Path) -> None:
    """All at once, into no table at all: the same answers, in the contract's columns."""
    copy = Labelers.__new__(Labelers)
    copy.folder, copy.parsed, copy.path = tmp_path, labelers.parsed, tmp_path / labelers.path.name
    shutil.copy(labelers.path, copy.path)
    copy.execute("drop table raw.label_events")
    copy.answer()
    everything = "select * from raw.label_events order by label_event_id"
    assert copy.rows(everything) == labelers.rows(everything)
    columns = "select column_name, column_type from (describe raw.label_events)"
    (events,) = (table for table in raw_tables() if table.name == "label_events")
    contract = [(column.name, column.duckdb_type) for column in events.columns]
    assert copy.rows(columns) == labelers.rows(columns) == contract


RATES = """
    with truths as (
        select 'content_day' as unit_type, content_id as unit_key, policy_id, is_violating, difficulty, null as scope
        from truth.content_labels
        union all
        select
            'interaction', requests.interaction_id, policies.policy_id, labels.interaction_id is not null,
            labels.difficulty, labels.any_component_violates
        from demo_world.world_requests as requests
        cross join (select distinct policy_id from truth.content_labels) as policies
        left join truth.interaction_labels as labels
            on requests.interaction_id = labels.interaction_id and policies.policy_id = labels.policy_id
    )
    select events.*, truths.is_violating as is_true, truths.difficulty, truths.scope, possible_assignments.unit_type
    from raw.label_events as events
    inner join labels.possible_assignments on events.assignment_id = possible_assignments.assignment_id
    inner join truths
        on possible_assignments.unit_type = truths.unit_type and possible_assignments.unit_key = truths.unit_key
        and possible_assignments.policy_id = truths.policy_id
"""


def test_experts_say_what_counts(labelers: Labelers) -> None:
    wrong, answers, scopes = labelers.rows(
        f"""
        select
            count_if(outcome <> 'ok' or (decision = 'violating') <> is_true), count(*),
            count_if(unit_type = 'interaction' and is_true and scope <> (coalesce(component_refs, '') <> ''))
        from ({RATES}) where pool = 'sme'
        """
    )[0]
    assert (wrong, scopes) == (0, 0)
    assert answers > 30000


def test_component_refs_are_the_violating_components(labelers: Labelers) -> None:
    differing = labelers.rows(
        """
        with refs as (
            select components.interaction_id, labels.policy_id,
                string_agg('c' || components.position, '|' order by components.position) as component_refs
            from demo_world.world_components as components
            inner join truth.content_labels as labels on components.content_id = labels.content_id
            where labels.is_violating and components.row_origin = 'component'
                and components.was_viewed is distinct from false
            group by components.interaction_id, labels.policy_id
        )
        select
            count(*), count(refs.component_refs),
            count_if(events.component_refs is distinct from refs.component_refs)
        from raw.label_events as events
        inner join labels.possible_assignments on events.assignment_id = possible_assignments.assignment_id
        left join refs on possible_assignments.unit_key = refs.interaction_id and possible_assignments.policy_id = refs.policy_id
        where events.pool = 'sme' and possible_assignments.unit_type = 'interaction' and events.decision = 'violating'
        """
    )[0]
    answers, with_refs, different = differing
    assert different == 0
    assert 0 < with_refs < answers


def test_a_part_is_judged_by_what_is_shown_of_it(labelers: Labelers) -> None:
    """Whatever else the interaction holds, and whatever its whole does."""
    answers, violating, wrong = labelers.rows(
        """
        select
            count(*), count_if(events.decision = 'violating'),
            count_if(
                (events.decision = 'violating') <> labels.is_violating
                or events.component_refs is distinct from case when labels.is_violating then 'c0' end
            )
        from raw.label_events as events
        inner join labels.possible_assignments on events.assignment_id = possible_assignments.assignment_id
        inner join draws.draw_user_day_components as parts on possible_assignments.unit_key = parts.unit_id
        inner join demo_world.world_components as components
            on parts.interaction_id = components.interaction_id and parts.position = components.position
        inner join truth.content_labels as labels
            on components.content_id = labels.content_id and possible_assignments.policy_id = labels.policy_id
        where events.pool = 'sme' and possible_assignments.unit_type = 'interaction_part' and components.row_origin = 'component'
        """
    )[0]
    assert wrong == 0 and 10 < violating < answers / 10


def test_the_judge_misses_some_and_sees_what_is_not_there(labelers: Labelers) -> None:
    sensitivity, false_positives, unusable, decided = labelers.rows(
        f"""
        select
            avg(case when decision = 'violating' then 1 else 0 end) filter (outcome = 'ok' and is_true),
            avg(case when decision = 'violating' then 1 else 0 end) filter (outcome = 'ok' and not is_true),
            avg(case when outcome <> 'ok' then 1 else 0 end),
            count_if(outcome <> 'ok' and decision is not null)
        from ({RATES}) where pool = 'llm'
        """
    )[0]
    assert 0.78 < sensitivity < 0.92
    assert 0.001 < false_positives < 0.006
    assert 0.003 < unusable < 0.007
    assert decided == 0


def test_raters_err_on_what_is_hard(labelers: Labelers) -> None:
    easy, hard, unable, vendors = labelers.rows(
        f"""
        select
            avg(case when (decision = 'violating') <> is_true then 1 else 0 end)
                filter (outcome = 'ok' and difficulty < 0.1),
            avg(case when (decision = 'violating') <> is_true then 1 else 0 end)
                filter (outcome = 'ok' and difficulty > 0.7),
            count_if(outcome = 'cannot_determine' and decision = 'cannot_determine'),
            count(distinct vendor)
        from ({RATES}) where pool = 'bpo' and unit_type = 'content_day'
        """
    )[0]
    assert 0.005 < easy < 0.04
    assert 0.15 < hard < 0.30
    assert unable > 0
    assert vendors == 2
    same_person = """
        select count(*) from (
            select item_id, policy_id from raw.label_events where pool = 'bpo'
            group by item_id, policy_id having count(distinct rater_id) <> 2
        )
    """
    assert labelers.rows(same_person) == [(0,)]


def test_times_and_costs_are_plausible(labelers: Labelers) -> None:
    assert labelers.rows(
        """
        select count(*) from raw.label_events
        where
            started_at >= submitted_at
            or submitted_at < timestamp '2026-10-06' or submitted_at > timestamp '2026-10-09'
            or date_diff('second', started_at, submitted_at) <> lead_time_s or cost_minor_units <= 0
        """
    ) == [(0,)]
