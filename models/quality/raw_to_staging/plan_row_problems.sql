{{ config(materialized='table') }}

{%- set words = {
    'unit_type': ['content_day', 'interaction', 'user_day'],
    'score_basis': ['learned', 'raw'],
    'allocation': ['neyman', 'proportional'],
} %}
{%- set powers = ['exposure_power', 'score_power'] %}
{#- condition on the value, and how a message says it #}
{%- set ranges = {
    'expected_units': ('>= 1', 'at least 1'),
    'defence_share': ('> 0 and {} <= 1', 'above 0 and at most 1'),
    'cold_defence_share': ('> 0 and {} <= 1', 'above 0 and at most 1'),
    'minimum_stratum_units': ('>= 2', 'at least 2, as one unit has no variance'),
    'random_number_days': ('>= 1', 'at least 1'),
    'random_number_start': ('>= 0 and {} < 1', 'at least 0 and below 1'),
    'audit_floor': ('>= 0 and {} <= 1', 'at least 0 and at most 1'),
    'interactions_per_user_day': ('>= 1', 'at least 1'),
    'components_per_interaction': ('>= 1', 'at least 1'),
} %}

with

sampling_plans as (

    select *
    from {{ ref('stg_sampling_plans') }}

),

plan_designs as (

    select *
    from {{ ref('designs') }}
    where is_for_content_days or is_for_interactions or is_for_user_days

),

policies as (

    select *
    from {{ ref('stg_policies') }}

),

policy_count as (

    select count(*) as policies
    from policies

),

-- what people may choose from, as messages name it
choices as (

    select
        {% for use in [
            'is_for_content_days', 'is_for_interactions', 'is_for_user_days', 'takes_audit', 'takes_permanent_numbers'
        ] -%}
        {{ prevalence._string_agg('case when ' ~ use ~ ' then design end', ', ', 'preference') }} as {{ use }},
        {% endfor -%}
        {{ prevalence._string_agg('design', ', ', 'preference') }} as known_designs
    from plan_designs

),

-- an unknown design is said to be unknown, and nothing else of it
plans as (

    select
        sampling_plans.*,
        plan_designs.design is not null as is_known_design,
        plan_designs.is_drawn_elsewhere,
        plan_designs.is_stratified,
        plan_designs.takes_audit,
        plan_designs.takes_permanent_numbers,
        case sampling_plans.unit_type
            when 'content_day' then plan_designs.is_for_content_days
            when 'interaction' then plan_designs.is_for_interactions
            when 'user_day' then plan_designs.is_for_user_days
        end as is_for_unit_type,
        choices.known_designs,
        choices.takes_audit as audited_designs,
        choices.takes_permanent_numbers as permanent_number_designs,
        case sampling_plans.unit_type
            when 'content_day' then choices.is_for_content_days
            when 'interaction' then choices.is_for_interactions
            when 'user_day' then choices.is_for_user_days
        end as unit_type_designs
    from sampling_plans
    left join plan_designs
        on sampling_plans.design = plan_designs.design
    cross join choices

),

unknown_words as (
    {% for column, known in words.items() %}
    select
        plan_id,
        'unknown_{{ column }}' as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        '{{ column }} is ' || coalesce({{ column }}, 'missing')
        || '; put one of {{ known | join(', ') }} there' as message
    from plans
    where
        {{ column }} not in ('{{ known | join("', '") }}')
        {% if column == 'unit_type' -%}
        or {{ column }} is null
        {% endif %}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

unknown_designs as (

    select
        plan_id,
        'unknown_design' as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        'design is ' || coalesce(design, 'missing') || '; put one of ' || known_designs || ' there' as message
    from plans
    where not is_known_design

),

unknown_powers as (
    {% for column in powers %}
    select
        plan_id,
        'unknown_{{ column }}' as problem,
        {{ column }} as asked,
        cast(null as double) as available,
        '{{ column }} is ' || cast({{ column }} as string) || '; put 0, 0.5 or 1 there' as message
    from plans
    where {{ column }} not in (0, 0.5, 1)
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

values_out_of_range as (
    {% for column, (condition, text) in ranges.items() %}
    select
        plan_id,
        '{{ column }}_out_of_range' as problem,
        cast({{ column }} as double) as asked,
        cast(null as double) as available,
        '{{ column }} is ' || cast({{ column }} as string) || '; put a number there that is {{ text }}' as message
    from plans
    where not ({{ column }} {{ condition.format(column) }})
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

missing_sizes as (

    select
        plan_id,
        'missing_expected_units' as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        'expected_units is missing; say how many units design ' || design || ' draws per day' as message
    from plans
    where not is_drawn_elsewhere and expected_units is null

),

-- of rows that hold on the same day nobody can tell which does
plans_twice as (

    select
        plan_id,
        'stands_twice' as problem,
        cast(count(*) as double) as asked,
        cast(1 as double) as available,
        'the plan stands in ' || cast(count(*) as string) || ' rows that hold on the same days; keep one of them, or '
        || 'let valid_from and valid_until say which days each is for' as message
    from plans
    where is_in_force_twice
    group by plan_id

),

lives_without_a_day as (

    select
        plan_id,
        'valid_until_not_after_valid_from' as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        'valid_until is ' || cast(max(valid_until) as string) || ' and valid_from ' || cast(max(valid_from) as string)
        || '; valid_until is the day after the last one, so put a later day there' as message
    from plans
    where valid_until <= valid_from
    group by plan_id

),

unknown_policies as (

    select
        plans.plan_id,
        'unknown_policy' as problem,
        cast(null as double) as asked,
        cast(policy_count.policies as double) as available,
        'policy_id ' || plans.policy_id || ' is none of the ' || cast(policy_count.policies as string)
        || ' policies; name one of them or leave it empty, for a sample that serves all' as message
    from plans
    cross join policy_count
    left join policies
        on plans.policy_id = policies.policy_id
    where plans.policy_id is not null and policies.policy_id is null

),

-- logged draws come by interaction; user-days are drawn once, and not within strata
designs_of_other_units as (

    select
        plan_id,
        'design_not_for_unit_type' as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        'design ' || design || ' is not for unit_type ' || unit_type || '; choose one of ' || unit_type_designs
        || ', or change unit_type' as message
    from plans
    where not is_for_unit_type

),

-- "any interaction of the user-day" is not a sum that an audit of some of them could correct
audited_user_days as (

    select
        plan_id,
        'audit_not_for_unit_type' as problem,
        cast(audit_units as double) as asked,
        cast(null as double) as available,
        'audit_units is ' || cast(audit_units as string)
        || ' and experts answer all that is shown of a user-day; leave audit_units empty' as message
    from plans
    where unit_type = 'user_day' and audit_units is not null

),

stratum_bounds as (
    {% for number in range(1, 10) %}
    select
        plan_id,
        stratum_bounds,
        cast({{ number }} as bigint) as bound_number,
        {{ prevalence._stratum_count('stratum_bounds') }} - 1 as bounds,
        {{ prevalence._stratum_bound('stratum_bounds', number) }} as bound,
        {{ prevalence._stratum_bound('stratum_bounds', number - 1) }} as bound_before
    from plans
    where is_stratified and {{ prevalence._stratum_count('stratum_bounds') }} > {{ number }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

malformed_bounds as (

    select
        plan_id,
        'malformed_stratum_bounds' as problem,
        cast(max(bounds) as double) as asked,
        cast(9 as double) as available,
        'stratum_bounds is ' || stratum_bounds
        || '; put up to 9 scores between 0 and 1 there, in rising order, with semicolons between them' as message
    from stratum_bounds
    where bounds > 9 or bound is null or bound >= 1000000 or bound <= bound_before
    group by plan_id, stratum_bounds

),

-- judge and audit are one Poisson sample (decision 0001): other draws have no estimator of the judge's errors here
designs_without_audit as (

    select
        plan_id,
        'audit_not_for_design' as problem,
        cast(audit_units as double) as asked,
        cast(null as double) as available,
        'audit_units is ' || cast(audit_units as string) || ' and experts answer all units of design ' || design
        || '; leave audit_units empty, or choose one of ' || audited_designs as message
    from plans
    where not takes_audit and audit_units is not null and unit_type <> 'user_day'

),

-- only contents are seen again on later days; other designs have no variance across days that depend on each other
permanent_numbers as (

    select
        plan_id,
        case
            when unit_type <> 'content_day' then 'permanent_numbers_not_for_unit_type'
            else 'permanent_numbers_not_for_design'
        end as problem,
        cast(random_number_days as double) as asked,
        cast(null as double) as available,
        'random_number_days is ' || cast(random_number_days as string)
        || ' and contents keep their random numbers in plans of content_day with one of the designs '
        || permanent_number_designs || ' alone; leave random_number_days empty, or change unit_type ' || unit_type
        || ' or design ' || design as message
    from plans
    where random_number_days is not null and (unit_type <> 'content_day' or not takes_permanent_numbers)

),

problems as (

    {% for relation in [
        'unknown_words', 'unknown_designs', 'unknown_powers', 'values_out_of_range', 'missing_sizes', 'plans_twice',
        'lives_without_a_day', 'unknown_policies', 'designs_of_other_units', 'audited_user_days', 'malformed_bounds', 'designs_without_audit', 'permanent_numbers',
    ] -%}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}

),

final as (

    select distinct
        plan_id,
        problem,
        asked,
        available,
        cast(2 as bigint) as severity,
        message
    from problems

)

select * from final
