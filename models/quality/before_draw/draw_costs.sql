{{ config(materialized='table') }}

{%- set budgets = {'cost': var('cost_budget'), 'questions': var('question_budget')} -%}
{%- set month_sums, budget_shares = [], [] -%}
{%- for name, budget in budgets.items() -%}
{%- set share = 'cast(null as double)' if budget is none
        else 'case when not is_drawn then month_' ~ name ~ ' / cast(' ~ budget ~ ' as double) end' -%}
{%- do month_sums.append('sum(' ~ name ~ ' * asked_times) over so_far as month_' ~ name) -%}
{%- do budget_shares.append(share ~ ' as ' ~ name ~ '_budget_share') -%}
{%- endfor %}

with

plan_days as (

    select * from {{ ref('frame_plans') }}

),

totals as (

    select * from {{ ref('frame_totals') }}

),

user_days as (

    select * from {{ ref('frame_user_days') }}

),

policies as (

    select * from {{ ref('frame_policies') }}

),

label_costs as (

    select * from {{ ref('label_costs') }}

),

-- what earlier runs asked; through a source, because it is drawn after the frames
asked_policies as (

    select * from {{ source('earlier_draws', 'draw_policies') }}

),

policy_counts as (

    select
        unit_date,
        count(*) as policies
    from policies
    group by unit_date

),

backfill_counts as (

    select
        plan_id,
        sample_date as unit_date,
        count(*) as backfills
    from asked_policies
    where is_backfilled
    group by plan_id, sample_date

),

-- what is shown of a user-day: all of one that is taken whole, else as many interactions as the plan takes; in whole
-- millionths, whose sum is the same in whatever order a repeated run wrote the rows
user_day_shares as (

    select
        plan_id,
        unit_date,
        cast(round(
            1000000 * inclusion_probability * (
                whole_probability * cast(interactions as double)
                + (1 - whole_probability)
                * cast(least(interactions, coalesce(interactions_per_user_day, interactions)) as double)
            )
        ) as bigint) as shown_millionths
    from user_days

),

interactions_shown as (

    select
        plan_id,
        unit_date,
        cast(sum(shown_millionths) as double) / 1000000 as shown_units
    from user_day_shares
    group by plan_id, unit_date

),

pool_costs as (

    select
        max(case when pool = 'llm' then cost_per_label end) as judge_cost,
        max(case when pool = 'sme' then cost_per_label end) as expert_cost,
        max(case when pool = 'bpo' then cost_per_label end) as rater_cost
    from label_costs

),

asked_days as (

    select
        plan_days.plan_id,
        plan_days.unit_date,
        plan_days.is_drawn,
        plan_days.rater_overlap_share,
        cast(policy_counts.policies as double) as policies,
        -- a backfill that was carried out asked as much as each policy of the draw, and is paid for from the same month
        1 + cast(coalesce(backfill_counts.backfills, 0) as double) / cast(policy_counts.policies as double)
            as asked_times,
        coalesce(interactions_shown.shown_units, totals.sum_of_inclusion_probabilities) as shown_units,
        cast(plan_days.audit_units as double) as audit_units
    from plan_days
    inner join totals
        on
            plan_days.plan_id = totals.plan_id
            and plan_days.unit_date = totals.unit_date
    inner join policy_counts
        on plan_days.unit_date = policy_counts.unit_date
    left join interactions_shown
        on
            plan_days.plan_id = interactions_shown.plan_id
            and plan_days.unit_date = interactions_shown.unit_date
    left join backfill_counts
        on
            plan_days.plan_id = backfill_counts.plan_id
            and plan_days.unit_date = backfill_counts.unit_date

),

-- at most: what shows the same is asked about once, on however many days and by however many plans it is drawn
questions as (

    select
        plan_id,
        unit_date,
        is_drawn,
        asked_times,
        policies * shown_units as judge_questions,
        policies * least(coalesce(audit_units, shown_units), shown_units) as expert_questions,
        2 * rater_overlap_share * policies * least(coalesce(audit_units, shown_units), shown_units) as rater_questions
    from asked_days

),

costs as (

    select
        questions.*,
        questions.judge_questions + questions.expert_questions + questions.rater_questions as questions,
        questions.judge_questions * pool_costs.judge_cost + questions.expert_questions * pool_costs.expert_cost
        + questions.rater_questions * pool_costs.rater_cost as cost
    from questions
    cross join pool_costs

),

-- days are paid for in their order, those that are drawn before the others
months as (

    select
        *,
        {{ month_sums | join(',\n        ') }}
    from costs
    window so_far as (
        partition by year(unit_date), month(unit_date)
        order by case when is_drawn then 0 else 1 end asc, unit_date asc, plan_id asc
        rows between unbounded preceding and current row
    )

),

final as (

    select
        plan_id,
        unit_date,
        is_drawn,
        judge_questions,
        expert_questions,
        rater_questions,
        cost,
        month_questions,
        month_cost,
        {{ budget_shares | join(',\n        ') }}
    from months

)

select * from final
