"""Answers are believed only as far as they fit the assignment: what is wrong is set aside by name, and no row is lost.

The models' own SQL over assignments and answers made by hand: an expert's assignment is named for its unit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import own_logs
import pytest
from conftest import SHARED
from test_demo_world import invoke

# in the order in which each reads those before it
MODELS = (
    *("stg_label_events_classified", "stg_label_events", "fct_unit_labels", "label_row_accounting"),
    *("label_event_profiles", "quarantined_label_events", "quarantined_rows"),
)
POLICY = "p"
AT = "2026-10-06 {:02}:{:02}:00"

# component_refs of an answer to an interaction of three components, and whether they are taken
SPELLINGS: dict[str | None, bool] = {
    **{text: True for text in ("c0", "c0|c1", "c2|c0", "c0|c1|c2", "")},
    None: True,
    **dict.fromkeys(("c0, c1", "c0,c1", "C0", '["c0"]', "['c0']", "[]", "{}", '""', " ", "\t", "\u00a0"), False),
    **dict.fromkeys(("none", "null", "N/A", "c99", "c3", "c-1", "c00", "c+0", "c", "0", "1|2", "c0;c1"), False),
    **dict.fromkeys(("c0|", "|c0", "|", "c0||c1", "c0|c0", "c0 | c1", " c0", "c0\n", "c0|c99", "c0|none"), False),
    **dict.fromkeys(("c\u0660", "\uff43\uff10", "c0%", "c_", "c0|c" + "9" * 40), False),
}

Answers = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Each model's schema and its SQL."""
    compiled = invoke(tmp_path_factory.mktemp("answers"), None, "compile", {}, "--select", *MODELS).result.results
    return {
        result.node.name: (
            result.node.schema,
            re.sub(rf'"{result.node.database}"\."(\w+)"\."(\w+)"', r"\1.\2", result.node.compiled_code),
        )
        for result in compiled
        if result.node.resource_type == "model"
    }


@pytest.fixture
def read(queries: dict[str, tuple[str, str]]) -> Iterator[Answers]:
    """What the models make of assignments (unit: its components) and answers, in a database of its own."""
    with duckdb.connect() as connection:

        def run(assignments: dict[str, int], answers: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
            for schema in ("raw", "staging", "labels", "draws", "quality"):
                connection.execute(f"create schema {schema}")
            events = " union all ".join(own_logs.label_event(**answer) for answer in answers)
            units = ", ".join(f"('{unit}', {components}::bigint)" for unit, components in assignments.items())
            tables = {
                "raw.label_events": events,
                "staging.stg_policies": f"select '{POLICY}' as policy_id",
                "draws.draw_plan_settings": "select 'plan' as plan_id, date '2026-10-05' as sample_date, null::bigint as audit_units",
                "labels.label_possible_assignments": f"""
                    select unit as assignment_id, 'item_' || unit as item_id, 'hash' as item_hash,
                        'interaction' as unit_type, unit as unit_id, unit as unit_key, components as component_count,
                        '{POLICY}' as policy_id, '1' as policy_version, 'audit' as purpose, 'sme' as pool,
                        0::bigint as slot, date '2026-10-05' as sample_date, 'protocol' as label_protocol_id
                    from (values {units}) as units (unit, components)
                """,
                "labels.label_unit_policies": """
                    select 'plan' as plan_id, unit_id, unit_type, unit_key, sample_date, policy_id, policy_version, 'poisson' as design,
                        1::bigint as exposure, 0.5::double as inclusion_probability, 1::bigint as draws,
                        null::varchar as random_number_key, null::bigint as random_number_days,
                        9::bigint as frame_units, 9::bigint as frame_exposure, 2::double as maximum_weighted_exposure
                    from labels.label_possible_assignments
                """,
                "draws.draw_audits": f"""
                    select 'plan' as plan_id, '' as unit_id, '{POLICY}' as policy_id, 1::double as audit_probability,
                        1::double as maximum_overall_weighted_exposure, 1::double as missed_weight
                    where false
                """,
                # of logs nothing was set aside
                "quality.quarantined_log_rows": """
                    select '' as source_name, '' as row_day, '' as quarantine_reason, '' as row_key, '' as row_json,
                        1::bigint as copy_number
                    where false
                """,
            }
            for name, query in tables.items():
                connection.execute(f"create table {name} as {query}")
            for name in MODELS:
                schema, query = queries[name]
                connection.execute(f"create table {schema}.{name} as {query}")
            # nothing is lost, and what is set aside can be read
            assert connection.execute(
                "select sum(abs(unaccounted_rows)), sum(landed_rows) from quality.label_row_accounting"
            ).fetchall() == [(0, len(answers))]
            assert (
                connection.execute("select count(*) from quality.quarantined_rows").fetchall()
                == connection.execute(
                    "select count(*) from staging.stg_label_events_classified where quarantine_reason is not null"
                ).fetchall()
            )
            return connection

        yield run


def answer(event: str, unit: str, decision: str = "violating", minute: int = 0, **values: Any) -> dict[str, Any]:
    """An expert's answer in the shape of the contract; what is None is null."""
    given = {
        **dict(label_event_id=event, assignment_id=unit, item_id=f"item_{unit}", item_hash="hash", policy_id=POLICY),
        **dict(policy_version="1", label_protocol_id="protocol", source="human", rater_id="r", pool="sme"),
        **dict(decision=decision, outcome="ok", submitted_at=AT.format(minute // 60, minute % 60)),
        **values,
    }
    return {name: value for name, value in given.items() if value is not None}


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def counted(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """What is used of the answers to each assignment."""
    return dict(
        rows(
            connection,
            "select assignment_id, decision from labels.label_possible_assignments "
            "left join staging.stg_label_events using (assignment_id)",
        )
    )


# --- component_refs -----------------------------------------------------------------------------------------------------------


def test_component_refs_that_are_none_of_the_item_set_the_answer_aside(read):
    names = {f"u{number}": text for number, text in enumerate(SPELLINGS)}
    connection = read(
        dict.fromkeys(names, 3), [answer(unit, unit, component_refs=text) for unit, text in names.items()]
    )
    reasons = dict(
        rows(connection, "select label_event_id, quarantine_reason from staging.stg_label_events_classified")
    )
    assert {names[unit]: reason for unit, reason in reasons.items()} == {
        text: None if is_taken else "bad_component_refs" for text, is_taken in SPELLINGS.items()
    }
    # an answer that is set aside says nothing of the unit, and one without references that the whole violates alone
    labels = rows(connection, "select unit_id, expert_any_component_violates from labels.fct_unit_labels")
    assert {names[unit]: any_component for unit, any_component in labels} == {
        text: bool(text) if is_taken else None for text, is_taken in SPELLINGS.items()
    }


@pytest.mark.parametrize(("components", "taken"), [(0, []), (1, ["c0"]), (2, ["c0", "c1"]), (11, ["c0", "c1", "c10"])])
def test_references_are_those_of_the_item_that_was_shown(read, components, taken):
    references = ["c0", "c1", "c10", "c11", "c"]
    connection = read(
        dict.fromkeys(references, components), [answer(text, text, component_refs=text) for text in references]
    )
    assert rows(connection, "select component_refs from staging.stg_label_events order by component_refs") == [
        (text,) for text in taken
    ]


def test_references_are_checked_whatever_was_decided(read):
    connection = read(
        {"no": 2, "skipped": 2, "mended": 2},
        [
            answer("e1", "no", "non_violating", component_refs="[]"),
            answer("e2", "skipped", None, outcome="skipped", component_refs="c7"),
            answer("e3", "mended", component_refs="C1"),
            answer("e4", "mended", minute=5, component_refs="c1", supersedes_event_id="e3"),
        ],
    )
    assert counted(connection) == {"no": None, "skipped": None, "mended": "violating"}


# --- what replaces what ---------------------------------------------------------------------------------------------------------


def test_an_event_replaces_an_earlier_one_of_its_own_assignment_alone(read):
    names = ("self", "cycle", "ring", "other1", "other2", "backwards", "gone", "chain", "proper", "same_time")
    connection = read(
        dict.fromkeys(names, 1),
        [
            answer("e1", "self", supersedes_event_id="e1"),
            answer("e2", "cycle", "non_violating", supersedes_event_id="e3"),
            answer("e3", "cycle", minute=60, supersedes_event_id="e2"),
            answer("r1", "ring", "non_violating", 0, supersedes_event_id="r3"),
            answer("r2", "ring", "non_violating", 1, supersedes_event_id="r1"),
            answer("r3", "ring", "violating", 2, supersedes_event_id="r2"),
            answer("e4", "other1"),
            answer("e5", "other2", minute=60, supersedes_event_id="e4"),
            answer("b1", "backwards", minute=60),
            answer("b2", "backwards", "non_violating", supersedes_event_id="b1"),
            answer("g1", "gone", supersedes_event_id="never_landed"),
            answer("c1", "chain", "non_violating"),
            answer("c2", "chain", "non_violating", 1, supersedes_event_id="c1"),
            answer("c3", "chain", "violating", 2, supersedes_event_id="c2"),
            answer("p1", "proper", "non_violating", supersedes_event_id=""),
            answer("p2", "proper", "violating", 60, supersedes_event_id="p1"),
            answer("t1", "same_time", "non_violating", supersedes_event_id="t2"),
            answer("t2", "same_time", "violating", supersedes_event_id="t1"),
        ],
    )
    assert counted(connection) == {**dict.fromkeys(names, "violating"), "backwards": "non_violating"}
    bad = rows(
        connection, "select label_event_id from staging.stg_label_events_classified where has_bad_supersedes_event_id"
    )
    assert {event for (event,) in bad} == {"e1", "e2", "r1", "e5", "b2", "g1", "t1"}
    assert rows(connection, "select bad_supersedes_rows from quality.label_event_profiles") == [(7,)]


def test_one_event_id_on_two_assignments_sets_both_aside(read):
    connection = read(
        dict.fromkeys(("one", "two", "three"), 1),
        [answer("e1", "one"), answer("e1", "two"), answer("e2", "three"), answer("e3", "two", "non_violating", 5)],
    )
    assert counted(connection) == {"one": None, "two": "non_violating", "three": "violating"}
    assert rows(
        connection, "select row_key, quarantine_reason, count(*) from quality.quarantined_rows group by all"
    ) == [("e1", "label_event_id_of_two_assignments", 2)]


def test_the_first_answer_counts_and_a_change_of_mind_is_counted(read):
    names = ("same_id", "later", "agreed", "refused")
    connection = read(
        dict.fromkeys(names, 2),
        [
            answer("e6", "same_id", "non_violating"),
            answer("e6", "same_id", "violating", 60),
            answer("e7", "later", "violating", component_refs="c0"),
            answer("e8", "later", "violating", 60, component_refs="c1"),
            answer("e9", "agreed", "violating"),
            answer("f1", "agreed", "violating", 60),
            answer("f2", "refused", None, outcome="refusal"),
            answer("f3", "refused", "violating", 60),
        ],
    )
    assert counted(connection) == {**dict.fromkeys(names, "violating"), "same_id": "non_violating"}
    assert rows(connection, "select changed_rows, bad_supersedes_rows from quality.label_event_profiles") == [(2, 0)]


# --- what fits the assignment -------------------------------------------------------------------------------------------------


def test_an_answer_that_does_not_fit_its_assignment_is_set_aside_by_name(read):
    wrong: dict[str, tuple[str, dict[str, str | None]]] = {
        "judge": ("source_not_of_the_pool", {"source": "llm"}),
        "rule": ("source_not_of_the_pool", {"source": "rule"}),
        "nobody": ("source_not_of_the_pool", {"source": None}),
        "protocol": ("another_label_protocol", {"label_protocol_id": "foreign"}),
        "item": ("another_item", {"item_id": "item_judge"}),
        "no_item": ("another_item", {"item_id": ""}),
        "hash": ("stale_item", {"item_hash": "old"}),
        "pool": ("not_what_was_asked", {"pool": "bpo"}),
        "version": ("not_what_was_asked", {"policy_version": "2"}),
        "time": ("submitted_before_it_was_shown", {"submitted_at": "2026-10-04 23:59:59.999"}),
    }
    connection = read(
        dict.fromkeys([*wrong, "right"], 1),
        [answer(name, name, **values) for name, (_, values) in wrong.items()] + [answer("right", "right")],
    )
    assert counted(connection) == {**dict.fromkeys(wrong), "right": "violating"}
    assert dict(rows(connection, "select row_key, quarantine_reason from quality.quarantined_rows")) == {
        name: reason for name, (reason, _) in wrong.items()
    }


# --- empty texts ------------------------------------------------------------------------------------------------------------------


def test_an_empty_id_is_as_null(read):
    connection = read(
        {"u": 1}, [answer("", "u"), answer("e1", ""), answer("e1", "u"), answer("e2", "u", minute=9, policy_id="")]
    )
    assert rows(
        connection,
        "select quarantine_reason, count(*) from staging.stg_label_events_classified group by all order by all",
    ) == [("missing_assignment_id", 1), ("missing_label_event_id", 1), ("unknown_policy", 1), (None, 1)]
    assert counted(connection) == {"u": "violating"}


# --- the inputs that were handed over ---------------------------------------------------------------------------------------------


def shared_case(name: str) -> list[list[dict[str, str]]]:
    folder = SHARED / "cases" / name
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}: the tests above have cases of the same kinds")
    answers = "answers.csv" if (folder / "answers.csv").exists() else "label_events.csv"
    return [list(csv.DictReader((folder / file).read_text().splitlines())) for file in (answers, "expected.csv")]


def test_corrections_of_the_shared_case(read):
    events, expected = shared_case("11_corrections_of_answers")
    connection = read(
        {row["assignment_id"]: 1 for row in expected},
        [
            answer(
                *(row["label_event_id"], row["assignment_id"], row["decision"], int(row["minute"])),
                outcome=row["outcome"],
                supersedes_event_id=row["supersedes_event_id"],
            )
            for row in events
        ],
    )
    assert counted(connection) == {row["assignment_id"]: row["decision"] for row in expected}


def test_spellings_of_the_shared_case(read):
    _, expected = shared_case("12_spellings_of_component_refs")
    units = {f"u{number}": row for number, row in enumerate(expected)}
    connection = read(
        dict.fromkeys(units, 3),
        [answer(unit, unit, component_refs=row["component_refs"]) for unit, row in units.items()],
    )
    labels = rows(
        connection, "select unit_id, expert_any_component_violates, expert_component_refs from labels.fct_unit_labels"
    )
    assert {units[unit]["component_refs"]: (any_component, refs) for unit, any_component, refs in labels} == {
        row["component_refs"]: (None, None)
        if "set aside" in row["any_component_violates"]
        else (True, row["violating_components"])
        for row in expected
    }
