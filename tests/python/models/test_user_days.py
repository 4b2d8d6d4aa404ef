"""User-days, their interactions and components within caps: chances are what the formulas say, and weights undo them.

The models' own SQL draws 20,000 samples of one small frame at once: plans that differ in their names alone have random
numbers of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats
from test_demo_world import ROOT, invoke

DRAWS = 20_000
DAY = "date '2026-10-05'"
# what one draw after another is made of, from the frame to the labelled units of the four types
MODELS = (
    *("frame_user_days", "frame_totals", "draw_units", "draw_user_days", "draw_user_day_interactions"),
    *("draw_user_day_components", "label_units", "fct_user_day_labels"),
)

# Twelve user-days with one to nine interactions of none to six viewed components, so that both caps (two and three) bind
# in some and not in others; every fourth component was not viewed. The last user-days risk the most.
TABLES = {
    "units.unit_interactions": f"""
        select
            'i' || u || '_' || k as unit_id, {DAY} as unit_date, 'i' || u || '_' || k as interaction_id,
            case when k % 2 = 0 then 'search' else 'chat' end as surface, 'unknown' as country,
            'u' || u as user_id, case when k < 8 then 's' || u || '_' || k // 3 end as session_id,
            (u * 5 + k * 3) % 7 + 1 as components, (u * 5 + k * 3) % 7 as views
        from range(12) as users (u), range(9) as numbers (k)
        where k <= u % 9
        union all
        select 'signed_out', {DAY}, 'signed_out', 'search', 'unknown', null, null, 1, 1
    """,
    "staging.stg_components": """
        select interaction_id, position, unit_date, position <> components // 2 as was_viewed
        from units.unit_interactions, lateral (select range as position from range(components))
    """,
    "frames.frame_unit_sizes": """
        select
            unit_id, 'interaction' as unit_type, unit_date, unit_id as unit_key, 'all' as risk_scope, 1 as exposure, false as is_score_imputed,
            (1 + hash(user_id) % 5) * 100000000000 * views as raw_relative_risk, null::bigint as learned_relative_risk
        from units.unit_interactions
    """,
    "truth_components": """
        select interaction_id, position, hash(interaction_id || position) % 6 = 0 as violates
        from staging.stg_components
        where was_viewed
    """,
    # a component violates, or the whole alone does
    "truth_interactions": """
        select
            interaction_id,
            coalesce(bool_or(violates), false) as any_component,
            not coalesce(bool_or(violates), false) and hash(interaction_id) % 5 = 0 as whole_alone
        from units.unit_interactions
        left join truth_components using (interaction_id)
        where user_id is not null
        group by interaction_id
    """,
}
# what an expert who errs nowhere says about what is shown
LABELS = """
    with shown as (
        select units.plan_id, units.unit_type, units.unit_id, taken.interaction_id,
            string_agg(parts.component_ref, '|') filter (truth.violates) as refs
        from labels.label_units as units
        inner join draws.draw_user_day_interactions as taken using (plan_id, unit_type, unit_id)
        left join draws.draw_user_day_components as parts
            on taken.plan_id = parts.plan_id and taken.interaction_id = parts.interaction_id
        left join truth_components as truth
            on parts.interaction_id = truth.interaction_id and parts.position = truth.position
        group by all
    )
    select plan_id, unit_type, unit_id, 'p' as policy_id,
        refs is not null or (unit_type = 'interaction' and whole_alone) as expert_is_violating,
        refs is not null as expert_any_component_violates,
        refs as expert_component_refs
    from shown inner join truth_interactions using (interaction_id)
"""
TRUTH = """
    select 'component' as unit_type, count(*) as units, count_if(violates) as violating
    from truth_components inner join units.unit_interactions using (interaction_id) where user_id is not null
    union all
    select 'interaction', count(*), count_if(any_component or whole_alone) from truth_interactions
    union all
    select 'session', count(*), count_if(violates) from (
        select session_id, bool_or(any_component or whole_alone) as violates
        from units.unit_interactions inner join truth_interactions using (interaction_id)
        where session_id is not null group by session_id
    )
    union all
    select 'user_day', count(*), count_if(violates) from (
        select user_id, bool_or(any_component or whole_alone) as violates
        from units.unit_interactions inner join truth_interactions using (interaction_id) group by user_id
    )
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("user_days")
    compiled = invoke(folder, None, "compile", {}, "--select", *MODELS).result.results
    queries = {result.node.name: result.node for result in compiled if result.node.resource_type == "model"}
    with duckdb.connect() as connection:
        for schema in ("reference", "staging", "units", "quality", "frames", "draws", "labels"):
            connection.execute(f"create schema {schema}")

        def create(name: str, query: str) -> None:
            connection.execute(f"create table {name} as {query}")

        for name, query in TABLES.items():
            create(name, query)
        create(
            "staging.stg_sampling_plans",
            f"""
            select 'plan_' || n as plan_id, 'user_day' as unit_type, 'poisson' as design, 5 as expected_units,
                0.4 as defence_share, 2 as interactions_per_user_day, 3 as components_per_interaction,
                null::varchar as policy_id, null::varchar as score_basis, null::double as score_power,
                null::double as cold_defence_share, null::varchar as random_number_stream,
                null::bigint as random_number_days, null::double as random_number_start
            from range({DRAWS}) as draws (n)
            """,
        )
        create(
            "reference.designs",
            f"select * from read_csv('{ROOT / 'seeds' / 'designs.csv'}')",
        )
        create(
            "frames.frame_plans",
            f"select *, {DAY} as unit_date, plan_id as series_id, 'prevalence' as sampling_salt from staging.stg_sampling_plans",
        )
        create(
            "draws.draw_policies",
            f"select plan_id, {DAY} as sample_date, 'p' as policy_id, '1' as policy_version from staging.stg_sampling_plans",
        )
        create(
            "quality.held_plan_days",
            f"select plan_id, {DAY} as unit_date from staging.stg_sampling_plans where false",
        )
        create(
            "frames.frame_units",
            "select plan_id, '' as unit_id, '' as unit_type, date '2026-10-05' as unit_date, '' as unit_key, design, "
            "expected_units, 0 as stratum_number, 1 as stratum_units, 1 as exposure, 1 as size_measure, 0.5::double as inclusion_probability, false as is_certainty, "
            "false as is_score_learned, false as is_score_imputed from staging.stg_sampling_plans where false",
        )
        for name in MODELS:
            if name == "fct_user_day_labels":
                create("labels.fct_unit_labels", LABELS)
            node = queries[name]
            query = re.sub(rf'"{node.database}"\."(\w+)"\."(\w+)"', r"\1.\2", node.compiled_code)
            create(f"{node.schema}.{name}", query)
        yield connection


def check_frequencies(counts: np.ndarray, probabilities: np.ndarray) -> None:
    """Each count of DRAWS independent trials within what one in 10,000 such sets of counts would exceed by chance."""
    z = (counts - DRAWS * probabilities) / np.sqrt(DRAWS * probabilities * (1 - probabilities))
    assert np.abs(z).max() < stats.norm.isf(1e-4 / 2 / len(z))


def test_user_days_are_drawn_and_taken_whole_as_often_as_they_say(drawn: duckdb.DuckDBPyConnection) -> None:
    rows = drawn.execute(
        """
        select count(draws.unit_id), count_if(draws.is_whole),
            any_value(frames.inclusion_probability), any_value(frames.whole_probability)
        from frames.frame_user_days as frames
        left join draws.draw_user_days as draws using (plan_id, unit_id)
        group by frames.unit_id
        """
    ).fetchnumpy()
    counts, whole, probabilities, shares = (np.asarray(column, dtype=float) for column in rows.values())
    assert len(counts) == 12 and probabilities.sum() == pytest.approx(5) and (shares < 1).sum() >= 6
    for observed, expected in ((counts, probabilities), (whole, probabilities * shares)):
        check_frequencies(observed, expected)
        chi_square = ((observed - DRAWS * expected) ** 2 / (DRAWS * expected * (1 - expected))).sum()
        assert 1e-4 < stats.chi2.sf(chi_square, 12) < 1 - 1e-4


@pytest.mark.parametrize(
    ("relation", "unit", "taken", "probability"),
    [
        ("draw_user_day_interactions", "interaction_id", "true", "inclusion_probability"),
        ("draw_user_day_interactions", "interaction_id", "unit_type = 'interaction'", "whole_inclusion_probability"),
        ("draw_user_day_components", "interaction_id || position", "was_viewed", "inclusion_probability"),
    ],
)
def test_interactions_and_components_are_taken_as_often_as_they_say(
    drawn: duckdb.DuckDBPyConnection, relation: str, unit: str, taken: str, probability: str
) -> None:
    counts, low, high = (
        drawn.execute(
            f"""
        select count_if({taken}), min({probability}), max({probability})
        from draws.{relation} where {probability} is not null group by {unit}
        """
        )
        .fetchnumpy()
        .values()
    )
    # the same whether the user-day was taken whole or not, and in every draw
    assert (low == high).all()
    expected = drawn.execute(
        "select count(*) from truth_components inner join units.unit_interactions using (interaction_id) "
        "where user_id is not null"
        if relation.endswith("components")
        else "select count(*) from truth_interactions"
    ).fetchone()
    assert expected == (len(counts),) and len(set(low)) >= 12
    check_frequencies(np.asarray(counts, dtype=float), low)


def test_caps_hold_where_a_user_day_is_not_taken_whole(drawn: duckdb.DuckDBPyConnection) -> None:
    ((interactions, components, parts),) = drawn.execute(
        """
        with shown as (
            select plan_id, user_day_id, interaction_id, count_if(was_viewed) as components,
                bool_or(unit_type = 'interaction_part') as is_part
            from draws.draw_user_day_components
            group by all
        ),
        user_days as (
            select plan_id, user_day_id, count(*) as interactions, max(components) as components,
                count_if(is_part) as parts
            from shown
            group by all
        )
        select max(user_days.interactions), max(user_days.components), sum(parts)
        from user_days
        inner join draws.draw_user_days as draws
            on user_days.plan_id = draws.plan_id and user_days.user_day_id = draws.unit_id
        where not draws.is_whole
        """
    ).fetchall()
    assert (interactions, components) == (2, 3) and parts > 1000


def test_components_are_named_as_the_item_numbers_them(drawn: duckdb.DuckDBPyConnection) -> None:
    """label_items numbers what it shows without gaps, in the order seen."""
    assert drawn.execute(
        """
        select count(*) from (
            select component_ref,
                row_number() over (partition by plan_id, interaction_id order by position) - 1 as place
            from draws.draw_user_day_components
        ) where component_ref <> 'c' || place
        """
    ).fetchone() == (0,)


def test_every_estimator_of_a_total_is_unbiased(drawn: duckdb.DuckDBPyConnection) -> None:
    """Numerators and denominators of all four, over the draws, within four standard errors of the truth."""
    truth = {unit_type: counts for unit_type, *counts in drawn.execute(TRUTH).fetchall()}
    estimates = drawn.execute(
        f"""
        select unit_type, avg(units), stddev(units) / sqrt({DRAWS}), avg(violating), stddev(violating) / sqrt({DRAWS})
        from (
            select plans.plan_id, types.unit_type,
                coalesce(sum(1 / inclusion_probability) filter (is_seen), 0) as units,
                coalesce(sum(1 / inclusion_probability) filter (is_violating), 0) as violating
            from staging.stg_sampling_plans as plans
            cross join (select distinct unit_type from labels.fct_user_day_labels) as types
            left join labels.fct_user_day_labels as labels
                on plans.plan_id = labels.plan_id and types.unit_type = labels.unit_type
            group by all
        )
        group by all
        """
    ).fetchall()
    assert len(estimates) == len(truth) == 4
    for unit_type, units, units_error, violating, violating_error in estimates:
        true_units, true_violating = truth[unit_type]
        assert abs(units - true_units) < 4 * units_error
        assert abs(violating - true_violating) < 4 * violating_error
        assert violating_error < 0.02 * true_violating and 0 < true_violating < true_units


def test_no_sample_of_a_user_day_weighs_more_than_the_bound(drawn: duckdb.DuckDBPyConnection) -> None:
    rows = drawn.execute(
        """
        select max(weight / maximum_weight), min(weight / maximum_weight)
        from (
            select plan_id, user_day_id, unit_type, sum(1 / inclusion_probability) as weight,
                any_value(maximum_weight) as maximum_weight
            from labels.fct_user_day_labels where is_seen group by all
        )
        group by unit_type
        """
    ).fetchall()
    assert len(rows) == 4 and all(0 < low < high < 1 + 1e-9 for high, low in rows)


def test_models_are_those_of_the_project() -> None:
    """The chain above has every model that stands between the frame and the labels of the four types."""
    texts = {name: next(Path(ROOT / "models").rglob(f"{name}.sql")).read_text() for name in MODELS}
    made = {*MODELS, *(name.split(".")[1] for name in TABLES if "." in name), "stg_sampling_plans", "fct_unit_labels"}
    read = {name for text in texts.values() for name in re.findall(r"ref\('(\w+)'\)", text)}
    # frames of other units have no rows here, and no plan is at fault
    assert read <= made | {"designs", "frame_units", "plan_problems", "draw_policies", "frame_plans", "held_plan_days"}
