"""What still waits for an answer: a run goes on without it, and says which days wait for whom."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings

ASKED_IN = {"primary": "labels.label_assignments", "audit": "labels.label_audit_assignments"}


def open_assignments(settings: Settings) -> str:
    """How far the assignments that estimates need are answered, and where people find what is open.

    The model label_needed_assignments says which these are and which days wait; labels.open_assignments lists what is open.
    """
    with warehouse.connect(settings) as connection:
        rows = connection.rows(
            "select purpose, count(*), sum(case when is_answered then 1 else 0 end), bool_or(is_waited_for) from ("
            "select purpose, assignment_id, bool_or(is_answered) as is_answered, bool_or(is_waited_for) as is_waited_for "
            "from labels.label_needed_assignments group by purpose, assignment_id) as assignments group by purpose"
        )
    needed = sorted((ASKED_IN[purpose], int(asked), int(answered), waits) for purpose, asked, answered, waits in rows)
    said = (
        ", ".join(f"{answered:,} of {asked:,} answered" for _, asked, answered, _ in needed) or "nothing is asked yet"
    )
    if not any(is_waiting for *_, is_waiting in needed):
        return said
    listed = " and ".join(
        f"{asked - answered:,} in {relation}" for relation, asked, answered, _ in needed if answered < asked
    )
    return (
        f"{said}\n     Open assignments: {listed}; the items to show are in labels.shown_items (join by item_id). Bring "
        "the answers as label_events.parquet, or as files in a folder label_events/, in the shape of the input contract "
        "(models/staging/_sources.yml) in the folder of raw tables, and run the same command again. Drawn units stay "
        "drawn; a day is published once its own answers are in."
    )
