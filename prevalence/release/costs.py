"""What the next draw and what backfills ask and cost, before anybody is asked. SQL has worked it out; this prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings
from prevalence.engines.warehouse_interface import Warehouse

# for what days like these come to
MONTH_DAYS = 30

# The tables of costs say what stood before the draw of their run; what has been drawn and asked since, the draws say.
_DRAWN = """
with
drawn_days as ({drawn_days}),
backfills as ({backfills})
"""
_DRAWS = """
select
    costs.plan_id,
    min(costs.unit_date),
    max(costs.unit_date),
    count(*),
    sum(costs.judge_questions + costs.rater_questions + costs.expert_questions),
    sum(costs.expert_questions),
    sum(costs.cost),
    max(case when drawn_plans.plan_id is null then 1 else 0 end),
    max(case when costs.expert_questions < costs.judge_questions then 1 else 0 end)
from quality.draw_costs as costs
left join (select distinct plan_id, unit_date from quality.held_plan_days) as held
    on costs.plan_id = held.plan_id and costs.unit_date = held.unit_date
left join drawn_days
    on costs.plan_id = drawn_days.plan_id and costs.unit_date = drawn_days.unit_date
left join (select distinct plan_id from drawn_days) as drawn_plans
    on costs.plan_id = drawn_plans.plan_id
where drawn_days.plan_id is null and held.plan_id is null
group by costs.plan_id
order by costs.plan_id
"""
_BACKFILLS = """
select
    costs.policy_id, min(costs.unit_date), max(costs.unit_date), count(distinct costs.unit_date), sum(costs.questions),
    sum(costs.expert_questions), sum(costs.cost)
from quality.backfill_costs as costs
left join backfills
    on
        costs.plan_id = backfills.plan_id and costs.unit_date = backfills.unit_date
        and costs.policy_id = backfills.policy_id
where backfills.policy_id is null and {condition}
group by costs.policy_id
order by costs.policy_id
"""
_MONTHS = """
select month_start, sum(questions), sum(expert_questions), sum(cost)
from (
    select
        date_trunc('month', costs.unit_date) as month_start,
        costs.judge_questions + costs.rater_questions + costs.expert_questions as questions,
        costs.expert_questions, costs.cost
    from quality.draw_costs as costs
    inner join drawn_days
        on costs.plan_id = drawn_days.plan_id and costs.unit_date = drawn_days.unit_date
    union all
    select date_trunc('month', costs.unit_date), costs.questions, costs.expert_questions, costs.cost
    from quality.backfill_costs as costs
    inner join backfills
        on
            costs.plan_id = backfills.plan_id and costs.unit_date = backfills.unit_date
            and costs.policy_id = backfills.policy_id
) as asked
group by month_start
order by month_start desc
limit 1
"""


@dataclass(frozen=True)
class Asked:
    """Questions of some days and what they cost, as expected before they are drawn."""

    first_day: date
    last_day: date
    days: int
    questions: float
    expert_questions: float
    cost: float

    def text(self, currency: str) -> str:
        between = f"{self.first_day}" if self.days == 1 else f"{self.days} days, {self.first_day} to {self.last_day}"
        return f"{between}: {_amounts(self.questions, self.expert_questions, self.cost, currency)}"

    def month(self, currency: str) -> str:
        factor = MONTH_DAYS / self.days
        return _amounts(self.questions * factor, self.expert_questions * factor, self.cost * factor, currency)


def _amounts(questions: float, expert_questions: float, cost: float, currency: str) -> str:
    return f"about {questions:,.0f} questions, {expert_questions:,.0f} of them to experts, {cost:,.2f} {currency}"


def _drawn(connection: Warehouse) -> str:
    """The start of a query that asks what has been drawn and asked; before the first draw that is nothing."""
    relations = connection.relations("draws")
    drawn_days = "select plan_id, unit_date from quality.draw_costs where is_drawn"
    backfills = "select plan_id, unit_date, policy_id from quality.backfill_costs where is_asked"
    if "draw_plans" in relations:
        drawn_days = "select distinct plan_id, sample_date as unit_date from draws.draw_plans"
    if "draw_policies" in relations:
        backfills = "select plan_id, sample_date as unit_date, policy_id from draws.draw_policies where is_backfilled"
    return _DRAWN.format(drawn_days=drawn_days, backfills=backfills)


def cost_lines(connection: Warehouse) -> list[str]:
    """What is going to be asked, plan by plan and policy by policy; empty before the first frame."""
    relations = connection.relations("quality")
    if not {"draw_costs", "backfill_costs", "held_plan_days"} <= relations.keys():
        return []
    ((currency,),) = connection.rows("select min(currency) from reference.label_costs")
    drawn = _drawn(connection)
    lines = []
    draws = [
        (plan, Asked(*found), bool(is_first), bool(is_audited))
        for plan, *found, is_first, is_audited in connection.rows(drawn + _DRAWS)
    ]
    if len(draws) > 1:
        lines.append(f"the next draw: {_sum_text([asked for _, asked, _, _ in draws], currency)}")
    for plan, asked, is_first, is_audited in draws:
        audited = ", and to experts besides what the judge calls violating" if is_audited else ""
        first = f"; its first draw, and a month of such days {asked.month(currency)}" if is_first else ""
        lines.append(f"plan {plan}: {asked.text(currency)}{audited}{first}")
    for what, condition in (
        ("backfill", "is_within_budget"),
        ("not asked for want of budget (vars cost_budget, question_budget): backfill", "not is_within_budget"),
    ):
        for policy, *found in connection.rows(drawn + _BACKFILLS.format(condition=condition)):
            lines.append(f"{what} of policy {policy}: {Asked(*found).text(currency)}")
    return lines


def asked_lines(connection: Warehouse) -> list[str]:
    """What the newest month with a draw has asked so far."""
    if not {"draw_costs", "backfill_costs"} <= connection.relations("quality").keys():
        return []
    ((currency,),) = connection.rows("select min(currency) from reference.label_costs")
    return [
        f"asked about days of {month:%Y-%m}: {_amounts(questions, experts, cost, currency)}"
        for month, questions, experts, cost in connection.rows(_drawn(connection) + _MONTHS)
    ]


def print_costs(settings: Settings) -> None:
    """What is to be asked next and what was asked, each a line."""
    if not warehouse.exists(settings):
        return
    with warehouse.connect(settings, read_only=True) as connection:
        lines = [*asked_lines(connection), *cost_lines(connection)]
    if lines:
        print("\nquestions and what they cost (seeds/label_costs.csv):")
    for line in lines:
        print(f"  {line}")


def _sum_text(asked: Iterable[Asked], currency: str) -> str:
    listed = list(asked)
    return _amounts(
        sum(one.questions for one in listed),
        sum(one.expert_questions for one in listed),
        sum(one.cost for one in listed),
        currency,
    )
