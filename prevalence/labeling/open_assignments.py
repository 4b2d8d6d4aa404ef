"""What still waits for an answer: a run that lacks labels stops here and says which."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings

ASKED_IN = {"primary": "labels.label_assignments", "audit": "labels.label_audit_assignments"}


class AwaitingAnswers(Exception):
    """The run is complete as far as the labels go; what is missing is people's work, not a failure."""


def await_answers(settings: Settings) -> str | None:
    """Stop while a plan lacks so many of the labels it needs that the gate would block it.

    The model label_needed_assignments says which these are; labels.open_assignments lists what is open, for people.
    """
    with warehouse.connect(settings) as connection:
        rows = connection.rows(
            "select purpose, count(distinct assignment_id), count(distinct case when is_answered then assignment_id end), "
            "bool_or(is_waited_for) from labels.label_needed_assignments group by purpose"
        )
    needed = sorted((ASKED_IN[purpose], *counts) for purpose, *counts in rows)
    if any(is_waiting for *_, is_waiting in needed):
        listed = " and ".join(
            f"{asked - answered:,} in {relation}" for relation, asked, answered, _ in needed if answered < asked
        )
        raise AwaitingAnswers(
            f"Labels are needed before this can be measured. Open assignments: {listed}; the items to show are in "
            "labels.label_items (join by item_id). Bring the answers as label_events.parquet, or as files in a folder "
            "label_events/, in the shape of the input contract (models/staging/_sources.yml) in the folder of raw "
            "tables, and run the same command again. Drawn units stay drawn."
        )
    return ", ".join(f"{answered:,} of {asked:,} answered" for _, asked, answered, _ in needed)
