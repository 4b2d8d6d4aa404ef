"""Drawing again: whether the stored draws are what frame, plan and code give, and which rows are not (docs/replay.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import Warehouse

# A report shows where to look, so many lines and so many rows of a table, plan and day; replays.draw_differences has all.
SHOWN = 30
SHOWN_ROWS = 5
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
    asked = {
        "replay": True,
        "replay_start_date": window.start.isoformat(),
        "replay_end_date": window.end.isoformat(),
        "replay_plans": sorted(plans),
    }
    dbt = Dbt(settings, window, {**variables, **asked}, None)
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
        "select status, bool_and(is_proven), count(*), sum(stored_rows) from replays.draw_replays group by status"
        " order by status"
    )
    counts = ", ".join(f"{number:,} {status}" for status, _, number, _ in statuses)
    lines = [
        f"replay of the draws of {window.start} to before {window.end}: {counts} (tables of drawn rows by plan and day)"
    ]
    for status, _, number, rows in statuses:
        lines.append(f"  {status}: {int(rows):,} stored rows of {number:,}: {MEANINGS[status]}")
    return Replay(
        all(is_proven for _, is_proven, *_ in statuses), (*lines, *_days(connection), *_differences(connection))
    )


def _days(connection: Warehouse) -> Iterator[str]:
    """A line for each table, plan and day with something to say; what is not proven first."""
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
        f"""
        select
            table_name, plan_id, sample_date, status, stored_rows, drawn_again_rows, missing_rows, extra_rows,
            differing_rows, broken_rows, is_frame_changed, plan_changes, is_as_recorded
        from replays.draw_replays
        where status <> 'same' or (table_name = 'draw_units' and plan_changes is not null)
        order by
            case when not is_proven then 0 when status = 'same' then 2 else 1 end,
            case table_name when 'draw_units' then 0 else 1 end,
            sample_date,
            plan_id,
            table_name
        limit {SHOWN}
        """
    ):
        why = [
            *(["the frame has changed"] if frame else []),
            *([f"plan: {plan}"] if plan else []),
            *(["not as recorded"] if recorded is False else []),
        ]
        yield (
            f"{name} {plan_id} {day} {status}: {stored:,} stored, {again:,} drawn again; {missing:,} missing, {extra:,} extra, "
            f"{differing:,} differ, {broken:,} broken" + (f" ({'; '.join(why)})" if why else "")
        )


def _differences(connection: Warehouse) -> Iterator[str]:
    """A line for each of the first rows that are wrong and that no change of the frame explains."""
    for name, plan_id, day, key, problem, details, number, all_of_them in connection.rows(
        f"""
        select table_name, plan_id, sample_date, row_key, problem, details, difference_number, differences
        from replays.draw_unexplained_differences
        where difference_number <= {SHOWN_ROWS}
        order by
            case table_name when 'draw_units' then 0 else 1 end, table_name, sample_date, plan_id, difference_number
        limit {SHOWN}
        """
    ):
        yield f"{name} {plan_id} {day} row {key}: {problem}" + (f": {details}" if details else "")
        if number == SHOWN_ROWS and all_of_them > number:
            yield f"{name} {plan_id} {day}: {all_of_them - number:,} more rows in replays.draw_differences"
