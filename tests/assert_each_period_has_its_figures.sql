-- Each period of measured days has a figure: computed from est_unit_periods, or taken over from the run before. Where
-- one has none, est_unit_periods was built with other SQL than est_prevalence: build both, with --full-refresh.
with

periods as (

    select distinct
        period_type,
        period_start,
        plan_id,
        policy_id,
        policy_version
    from {{ ref('est_period_days') }}

),

figures as (

    select distinct
        period_type,
        period_start,
        plan_id,
        policy_id,
        policy_version
    from {{ ref('est_prevalence') }}

)

select periods.*
from periods
left join figures
    on
        {{ prevalence._same_key(
            'periods', 'figures', ['period_type', 'period_start', 'plan_id', 'policy_id', 'policy_version']
        ) }}
where figures.plan_id is null
