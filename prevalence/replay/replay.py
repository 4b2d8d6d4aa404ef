"""Drawing again: whether the stored draws are what frame, plan and code give, and which rows are not (docs/replay.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import Warehouse

# A report shows where to look, so many lines and so many rows of a table, plan and day; replays.draw_differences has all.
SHOWN = 30
SHOWN_ROWS = 5
# The stored draw is not what it was, or cannot be told from one that is not.
FAILED = ("edited", "broken", "differs")
MEANINGS = {
    "same": "drawn again to the last bit",
    "inputs_changed": (
        "frame, plan or logs have changed since, so the draw cannot be made again; the stored rows are as recorded when "
        "they were drawn, and each holds what it has to"
    ),
    "edited": "the stored rows are not those that were recorded when they were drawn",
    "broken": "stored values contradict each other",
    "differs": "drawing again gives other rows, and neither a change of frame or plan nor a record explains it",
}


@dataclass(frozen=True)
class Replay:
    """What a replay found, in lines for a person."""

    is_proven: bool
    lines: tuple[str, ...]


def replay(
    settings: Settings,
    plans: Sequence[str],
    start: date | None,
    end: date | None,
    variables: dict,
) -> Replay:
    """Draw again the days from `start` to before `end` and compare. Raises UserError where nothing was drawn there."""
    window = _window(settings, plans, start, end)
    dbt = Dbt(settings, window, {**variables, "replay": True, "replay_plans": sorted(plans)}, None)
    dbt.run(selector="draw_again")
    with warehouse.connect(settings, read_only=True) as connection:
        return _report(connection, window)


def _window(settings: Settings, plans: Sequence[str], start: date | None, end: date | None) -> Window:
    with warehouse.connect(settings, read_only=True) as connection:
        if "draw_units" not in connection.relations("draws"):
            raise UserError(
                f"There is no draws.draw_units in the warehouse {settings.place}, so nothing was drawn yet. Remedy: "
                "prevalence run (or demo) first."
            )
        drawn = {
            plan_id: (first, last)
            for plan_id, first, last in connection.rows(
                "select plan_id, min(sample_date), max(sample_date) from draws.draw_units group by plan_id"
            )
        }
    unknown = sorted(set(plans) - set(drawn))
    if unknown or not drawn:
        raise UserError(
            f"draws.draw_units holds no draw of {', '.join(unknown) or 'any plan'}; there are draws of "
            f"{', '.join(sorted(drawn)) or 'none'}. Remedy: one of these as --plan."
        )
    chosen = [drawn[plan_id] for plan_id in plans or drawn]
    window = Window(
        start or min(first for first, _ in chosen),
        end or max(last for _, last in chosen) + timedelta(days=1),
    )
    if window.days < 1 or not any(first < window.end and last >= window.start for first, last in chosen):
        raise UserError(
            f"No day from {window.start} to before {window.end} was drawn; draws lie between "
            f"{min(first for first, _ in chosen)} and {max(last for _, last in chosen)}. Remedy: other --start-date or "
            "--end-date (the day after the last)."
        )
    return window


def _report(connection: Warehouse, window: Window) -> Replay:
    statuses = connection.rows(
        """
        select
            status,
            count(*) as groups_of_rows,
            sum(stored_rows) as stored_rows
        from replays.draw_replays
        group by status
        order by status
        """
    )
    lines = [
        f"replay of the draws of {window.start} to before {window.end}: "
        + ", ".join(f"{number:,} {status}" for status, number, _ in statuses)
        + " (tables of drawn rows by plan and day)"
    ]
    for status, number, rows in statuses:
        lines.append(f"  {status}: {int(rows):,} stored rows of {number:,}: {MEANINGS[status]}")
    for (
        name,
        plan_id,
        day,
        status,
        stored,
        again,
        missing,
        extra,
        differing,
        broken,
        frame,
        plan,
        recorded,
    ) in connection.rows(
        """
            select
                table_name, plan_id, sample_date, status, stored_rows, drawn_again_rows, missing_rows, extra_rows,
                differing_rows, broken_rows, is_frame_changed, plan_changes, is_as_recorded
            from replays.draw_replays
            where status <> 'same' or (table_name = 'draw_units' and plan_changes is not null)
            order by
                case status when 'inputs_changed' then 1 when 'same' then 2 else 0 end,
                case table_name when 'draw_units' then 0 else 1 end,
                sample_date,
                plan_id,
                table_name
            """
    )[:SHOWN]:
        why = [
            *(["the frame has changed"] if frame else []),
            *([f"plan: {plan}"] if plan else []),
            *(["not as recorded"] if recorded is False else []),
        ]
        lines.append(
            f"{name} {plan_id} {day} {status}: {stored:,} stored, {again:,} drawn again; {missing:,} missing, {extra:,} extra, "
            f"{differing:,} differ, {broken:,} broken" + (f" ({'; '.join(why)})" if why else "")
        )
    failed = ", ".join(connection.literal(status) for status in FAILED)
    for name, plan_id, day, key, problem, details, rank, number in connection.rows(
        f"""
        select *
        from (
            select
                differences.table_name,
                differences.plan_id,
                differences.sample_date,
                differences.row_key,
                differences.problem,
                differences.details,
                row_number() over (
                    partition by differences.table_name, differences.plan_id, differences.sample_date
                    order by differences.row_key, differences.problem, differences.copy_number
                ) as row_rank,
                count(*) over (
                    partition by differences.table_name, differences.plan_id, differences.sample_date
                ) as row_number
            from replays.draw_differences as differences
            inner join replays.draw_replays as replays
                on
                    differences.table_name = replays.table_name
                    and differences.plan_id = replays.plan_id
                    and differences.sample_date = replays.sample_date
            where
                replays.status in ({failed})
                -- after a change of the frame most rows differ, and that says nothing about an edit
                and (differences.problem = 'broken' or not coalesce(replays.is_frame_changed, false))
        ) as differences
        where row_rank <= {SHOWN_ROWS}
        order by case table_name when 'draw_units' then 0 else 1 end, table_name, sample_date, plan_id, row_rank
        """
    )[:SHOWN]:
        lines.append(f"{name} {plan_id} {day} row {key}: {problem}" + (f": {details}" if details else ""))
        if rank == SHOWN_ROWS and number > rank:
            lines.append(f"{name} {plan_id} {day}: {number - rank:,} more rows in replays.draw_differences")
    return Replay(not any(status in FAILED for status, *_ in statuses), tuple(lines))
