{{ config(materialized='table') }}

{%- set domain = ['plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value', 'week_start_date'] %}

with

unit_domains as (

    select
        plan_id,
        psu_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        pivot_name,
        pivot_value,
        design,
        overall_inclusion_probability,
        draws,
        frame_units,
        exposure,
        expert_violating_exposure
    from {{ ref('est_unit_domains') }}
    where is_audited

),

drawn_strata as (

    select
        plan_id,
        unit_id,
        stratum_number
    from {{ ref('draw_units') }}
    where design = 'stratified'

),

-- a week is compared with the one before it and with the one after it
compared_units as (
    {% for role, shift in [('to', 0), ('from', 7)] %}
    select
        plan_id,
        psu_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        {{ prevalence._add_days('week_start_date', shift) if shift else 'week_start_date' }} as week_start_date,
        '{{ role }}' as week_role,
        pivot_name,
        pivot_value,
        design,
        overall_inclusion_probability,
        draws,
        frame_units,
        exposure,
        expert_violating_exposure
    from unit_domains
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

-- Units of one random number are drawn together in both weeks, which is the covariance of the two. Where units have
-- numbers of their own there is none.
poisson_units as (

    select *
    from compared_units
    where design in ('poisson', 'sequential_poisson', 'pareto')

),

simple_random_units as (

    select
        *,
        plan_id || '|' || cast(sample_date as string) as stratum
    from compared_units
    where design = 'simple_random'

),

-- Independent choices: of the logging system, or of user-days with all that was drawn within them. Strata of a day are
-- taken as if they were drawn with replacement, which is never too narrow.
independent_units as (

    select
        compared_units.*,
        compared_units.plan_id
        || case
            when compared_units.design in ('stratified', 'pps_with_replacement')
                then
                    '|' || cast(compared_units.sample_date as string)
                    || '|' || cast(coalesce(drawn_strata.stratum_number, 0) as string)
            else ''
        end as stratum
    from compared_units
    left join drawn_strata
        on
            compared_units.plan_id = drawn_strata.plan_id
            and compared_units.unit_id = drawn_strata.unit_id
    where compared_units.design in ('stratified', 'pps_with_replacement', 'logged', 'nested')

),

-- a unit that was drawn twice is there twice
independent_draws as (

    {{ prevalence._numbered('independent_units', 'draws', domain + [
        'psu_id', 'stratum', 'week_role', 'overall_inclusion_probability', 'exposure', 'expert_violating_exposure'
    ]) | indent(4) }}

),

poisson_changes as (

    {{ prevalence.survey_difference(
        'poisson_units', y='expert_violating_exposure', x='exposure', weight='1 / overall_inclusion_probability',
        design='coordinated_poisson', psu='psu_id', inclusion_probability='overall_inclusion_probability',
        period='week_role', from_period='from', to_period='to', by=[domain], level=var('interval_level')
    ) | indent(4) }}

),

simple_random_changes as (

    {{ prevalence.survey_difference(
        'simple_random_units', y='expert_violating_exposure', x='exposure', weight='1 / overall_inclusion_probability',
        design='stratified', stratum='stratum', psu='unit_id', population_psus='frame_units',
        period='week_role', from_period='from', to_period='to', by=[domain], level=var('interval_level')
    ) | indent(4) }}

),

independent_changes as (

    {{ prevalence.survey_difference(
        'independent_draws', y='expert_violating_exposure', x='exposure', weight='1 / overall_inclusion_probability',
        design='stratified', stratum='stratum', psu="psu_id || '|' || cast(_number as string)", lonely_psu='certainty',
        period='week_role', from_period='from', to_period='to', by=[domain], level=var('interval_level')
    ) | indent(4) }}

),

changes as (

    select * from poisson_changes
    union all
    select * from simple_random_changes
    union all
    select * from independent_changes

),

plans as (

    select
        plan_id,
        audit_units is not null as has_audit
    from {{ ref('stg_sampling_plans') }}

),

final as (

    select
        changes.week_start_date,
        changes.plan_id,
        changes.policy_id,
        changes.unit_type,
        changes.pivot_name,
        changes.pivot_value,
        case when plans.has_audit then 'two_phase' else 'expert' end as estimator,
        changes.estimate_from as prevalence_before,
        changes.estimate_to as prevalence,
        changes.estimate as prevalence_change,
        changes.variance_from as variance_before,
        changes.variance_to as variance,
        changes.covariance,
        changes.variance as change_variance,
        changes.std_error as change_std_error,
        changes.interval_lower,
        changes.interval_upper,
        changes.interval_level,
        changes.interval_method,
        case
            when changes.interval_upper is not null and changes.positive_units < 10 then 'few_positives'
        end as interval_caution,
        changes.sampled_units,
        changes.positive_units,
        changes.overlapping_psus,
        changes.degrees_of_freedom,
        changes.status
    from changes
    inner join plans
        on changes.plan_id = plans.plan_id
    -- a week without the one before it is no change
    where changes.status <> 'no_sampled_units'

)

select * from final
