"""Answering for a change of what is for ever: the day counts again for as long as its rows stay as they were found."""

from __future__ import annotations

from datetime import date

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError


def accept(settings: Settings, table: str, plan: str, day: date, reason: str) -> list[str]:
    """Take down that rows of a table are right as they are; says which. Raises UserError where none is held back."""
    with warehouse.connect(settings) as connection:
        if "broken_seals" not in connection.relations("quality"):
            raise UserError(
                f"There is no quality.broken_seals in the warehouse {settings.place}, so nothing was compared yet. Remedy: "
                "prevalence run first."
            )
        held = connection.rows(
            "select table_name, plan_id, policy_id, cast(sample_date as string), reason from quality.broken_seals order by "
            "table_name, plan_id, sample_date, policy_id"
        )
        chosen = [row for row in held if row[0] == table and row[1] == plan and row[3] == day.isoformat()]
        if not chosen:
            known = ", ".join(sorted({f"{row[0]} {row[1]} {row[3]}" for row in held})[:5])
            raise UserError(
                f"{table} of {plan} on {day} is not held back. Remedy: one of these as --table, --plan and --day: "
                f"{known or 'none; every seal holds'}."
            )
        connection.execute(
            "insert into quality.accepted_changes (table_name, plan_id, policy_id, sample_date, found, reason) "
            f"select table_name, plan_id, policy_id, sample_date, found, {connection.literal(reason)} from "
            f"quality.broken_seals where table_name = {connection.literal(table)} and plan_id = {connection.literal(plan)} "
            f"and sample_date = cast('{day}' as date)"
        )
    return [f"accepted: {row[4]}" for row in chosen]
