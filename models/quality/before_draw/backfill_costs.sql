{{ config(materialized='table') }}

{%- set budgets = {'cost': var('cost_budget'), 'questions': var('question_budget')} -%}
{%- set limits = [] -%}
{%- for name, budget in budgets.items() if budget is not none -%}
{%- do limits.append('month_' ~ name ~ ' <= cast(' ~ budget ~ ' as double)') -%}
{%- endfor %}

with

draw_costs as (

    select * from {{ ref('draw_costs') }}

),

policies as (

    select * from {{ ref('frame_policies') }}

),

policy_versions as (

    select * from {{ ref('stg_policy_versions') }}

),

-- what earlier runs asked; through a source, because it is drawn after the frames
asked_policies as (

    select * from {{ source('earlier_draws', 'draw_policies') }}

),

policy_counts as (

    select
        unit_date,
        cast(count(*) as double) as policies
    from policies
    group by unit_date

),

ambiguous_policies as (

    select distinct policy_id
    from policy_versions
    where is_in_force_twice

),

-- a drawn day asks as many questions under one more policy as under each of those it was drawn for
drawn_days as (

    select
        draw_costs.plan_id,
        draw_costs.unit_date,
        (draw_costs.judge_questions + draw_costs.expert_questions + draw_costs.rater_questions)
        / policy_counts.policies as questions,
        draw_costs.expert_questions / policy_counts.policies as expert_questions,
        draw_costs.cost / policy_counts.policies as cost
    from draw_costs
    inner join policy_counts
        on draw_costs.unit_date = policy_counts.unit_date
    where draw_costs.is_drawn

),

declared_policies as (

    select
        drawn_days.plan_id,
        drawn_days.unit_date,
        policy_versions.policy_id
    from drawn_days
    cross join policy_versions
    left join ambiguous_policies
        on policy_versions.policy_id = ambiguous_policies.policy_id
    where
        ambiguous_policies.policy_id is null
        and policy_versions.valid_from is not null
        and {{ prevalence._is_in_force('drawn_days.unit_date', 'policy_versions') }}

),

backfilled_policies as (

    select
        coalesce(declared_policies.plan_id, asked_policies.plan_id) as plan_id,
        coalesce(declared_policies.unit_date, asked_policies.sample_date) as unit_date,
        coalesce(declared_policies.policy_id, asked_policies.policy_id) as policy_id,
        asked_policies.plan_id is not null as is_asked
    from declared_policies
    full outer join asked_policies
        on
            declared_policies.plan_id = asked_policies.plan_id
            and declared_policies.unit_date = asked_policies.sample_date
            and declared_policies.policy_id = asked_policies.policy_id
    where asked_policies.plan_id is null or asked_policies.is_backfilled

),

costs as (

    select
        backfilled_policies.*,
        drawn_days.questions,
        drawn_days.expert_questions,
        drawn_days.cost
    from backfilled_policies
    inner join drawn_days
        on
            backfilled_policies.plan_id = drawn_days.plan_id
            and backfilled_policies.unit_date = drawn_days.unit_date

),

draw_months as (

    select
        date_trunc('month', unit_date) as month_start,
        sum(judge_questions + expert_questions + rater_questions) as questions,
        sum(cost) as cost
    from draw_costs
    group by date_trunc('month', unit_date)

),

-- a backfill is paid for from what the month's draws leave, what is asked already first, and then day by day
months as (

    select
        costs.*,
        draw_months.questions + sum(costs.questions) over so_far as month_questions,
        draw_months.cost + sum(costs.cost) over so_far as month_cost
    from costs
    inner join draw_months
        on date_trunc('month', costs.unit_date) = draw_months.month_start
    window so_far as (
        partition by date_trunc('month', costs.unit_date)
        order by
            case when costs.is_asked then 0 else 1 end asc, costs.policy_id asc, costs.unit_date asc, costs.plan_id asc
        rows between unbounded preceding and current row
    )

),

final as (

    select
        plan_id,
        unit_date,
        policy_id,
        is_asked,
        questions,
        expert_questions,
        cost,
        month_questions,
        month_cost,
        is_asked or ({{ limits | join(' and ') or 'true' }}) as is_within_budget
    from months

)

select * from final
