"""What still waits for an answer: a run that lacks labels stops here and says which."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings


class AwaitingAnswers(Exception):
    """The run is complete as far as the labels go; what is missing is people's work, not a failure."""


def await_answers(settings: Settings) -> str | None:
    """Stop while a plan lacks so many of the labels it asked for that the gate would block it.

    A judge is needed by plans with an audit alone, and the raters' overlap measures raters: no estimate waits for it.
    """
    with warehouse.connect(settings) as connection:
        rows = connection.rows(
            """
            with needed_assignments as (
                select
                    'labels.label_assignments' as relation,
                    draws.plan_id,
                    tasks.policy_id,
                    tasks.assignment_id
                from draws.draw_units as draws
                inner join staging.stg_sampling_plans as plans
                    on draws.plan_id = plans.plan_id
                inner join labels.label_possible_assignments as tasks
                    on
                        draws.unit_type = tasks.unit_type
                        and draws.unit_id = tasks.unit_id
                where plans.audit_units is not null and tasks.purpose = 'primary'
                union all
                select
                    'labels.label_audit_assignments' as relation,
                    audits.plan_id,
                    tasks.policy_id,
                    tasks.assignment_id
                from draws.draw_audits as audits
                inner join labels.label_possible_assignments as tasks
                    on
                        audits.unit_type = tasks.unit_type
                        and audits.unit_id = tasks.unit_id
                        and audits.policy_id = tasks.policy_id
                where tasks.purpose = 'audit'
            ),

            answers as (
                select distinct assignment_id
                from raw.label_events
            ),

            answered_shares as (
                select
                    needed_assignments.relation,
                    needed_assignments.plan_id,
                    needed_assignments.policy_id,
                    count(answers.assignment_id) / count(*) as answered_share
                from needed_assignments
                left join answers
                    on needed_assignments.assignment_id = answers.assignment_id
                group by
                    needed_assignments.relation, needed_assignments.plan_id, needed_assignments.policy_id
            ),

            limits as (
                select min(lower_limit) as answered_share
                from reference.gate_limits
                where
                    gate_name = 'labels_to_estimates'
                    and check_name in ('audit_answered_share', 'expert_answered_share')
                    and severity = 'blocking'
            )

            select
                needed_assignments.relation,
                count(distinct needed_assignments.assignment_id) as asked,
                count(distinct answers.assignment_id) as answered,
                bool_or(answered_shares.answered_share < limits.answered_share) as is_waiting
            from needed_assignments
            inner join answered_shares
                on
                    needed_assignments.relation = answered_shares.relation
                    and needed_assignments.plan_id = answered_shares.plan_id
                    and needed_assignments.policy_id = answered_shares.policy_id
            cross join limits
            left join answers
                on needed_assignments.assignment_id = answers.assignment_id
            group by needed_assignments.relation
            order by needed_assignments.relation
            """
        )
    if any(is_waiting for *_, is_waiting in rows):
        listed = " and ".join(
            f"{asked - answered:,} in {relation}" for relation, asked, answered, _ in rows if answered < asked
        )
        raise AwaitingAnswers(
            f"Labels are needed before this can be measured. Open assignments: {listed}; the items to show are in "
            "labels.label_items (join by item_id). Bring the answers as label_events.parquet, or as files in a folder "
            "label_events/, in the shape of the input contract (models/staging/_sources.yml) in the folder of raw "
            "tables, and run the same command again. Drawn units stay drawn."
        )
    return ", ".join(f"{answered:,} of {asked:,} answered" for _, asked, answered, _ in rows)
