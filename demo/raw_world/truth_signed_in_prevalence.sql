{{ config(enabled=var('demo_world', false), materialized='table', schema='truth', alias='signed_in_prevalence') }}

{%- set keys = ['day_number', 'day_date', 'unit_type', 'pivot_name', 'pivot_value'] %}

with

requests as (

    select
        day_number,
        cast(day_start_at as date) as day_date,
        interaction_id,
        user_id,
        user_id || '|' || session_id as session_key,
        surface,
        coalesce(country, 'unknown') as country
    from {{ ref('world_requests') }}
    where not is_lost and user_id is not null

),

viewed_components as (

    select *
    from {{ ref('world_components') }}
    where
        row_origin = 'component'
        and coalesce(was_viewed, true)

),

violating_contents as (

    select *
    from {{ ref('world_content_risks') }}
    where is_violating

),

interaction_labels as (

    select *
    from {{ ref('world_interaction_labels') }}

),

policies as (

    select policy_rows.policy_id
    from (
        values
        {%- for policy in prevalence._world_policies() %}
        ('{{ policy.policy_id }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as policy_rows (policy_id)

),

views as (

    select
        requests.*,
        viewed_components.content_id
    from viewed_components
    inner join requests
        on viewed_components.interaction_id = requests.interaction_id

),

-- all that was seen, under no policy, and what violates, under each policy that it violates
counted_views as (

    select
        day_number,
        day_date,
        surface,
        country,
        cast(null as string) as policy_id
    from views

    union all

    select
        views.day_number,
        views.day_date,
        views.surface,
        views.country,
        violating_contents.policy_id
    from views
    inner join violating_contents
        on views.content_id = violating_contents.content_id

),

counted_requests as (

    select
        *,
        cast(null as string) as policy_id,
        cast(null as string) as scope
    from requests

    union all

    select
        requests.*,
        interaction_labels.policy_id,
        case when interaction_labels.any_component_violates then 'any_component' else 'whole_alone' end as scope
    from requests
    inner join interaction_labels
        on requests.interaction_id = interaction_labels.interaction_id

),

-- a session or user-day takes place on several surfaces, so it has no pivot by them
unit_counts as (

    select
        day_number,
        day_date,
        policy_id,
        'component' as unit_type,
        surface,
        country,
        cast(null as string) as scope,
        count(*) as units
    from counted_views
    group by day_number, day_date, policy_id, surface, country

    union all

    select
        day_number,
        day_date,
        policy_id,
        'interaction' as unit_type,
        surface,
        country,
        scope,
        count(*) as units
    from counted_requests
    group by day_number, day_date, policy_id, surface, country, scope

    union all

    select
        day_number,
        day_date,
        policy_id,
        'session' as unit_type,
        cast(null as string) as surface,
        cast(null as string) as country,
        cast(null as string) as scope,
        count(distinct session_key) as units
    from counted_requests
    group by day_number, day_date, policy_id

    union all

    select
        day_number,
        day_date,
        policy_id,
        'user_day' as unit_type,
        cast(null as string) as surface,
        cast(null as string) as country,
        cast(null as string) as scope,
        count(distinct user_id) as units
    from counted_requests
    group by day_number, day_date, policy_id

),

pivots as (

    select
        pivot_rows.pivot_name,
        pivot_rows.scope
    from (
        values ('overall', null), ('surface', null), ('country', null), ('violation_scope', 'any_component'),
        ('violation_scope', 'whole_alone')
    ) as pivot_rows (pivot_name, scope)

),

-- a scope restricts the violations and not the units
domain_units as (

    select
        unit_counts.*,
        pivots.pivot_name,
        case pivots.pivot_name
            when 'surface' then unit_counts.surface
            when 'country' then unit_counts.country
            when 'violation_scope' then pivots.scope
            else 'all'
        end as pivot_value
    from unit_counts
    cross join pivots
    where
        pivots.pivot_name <> 'violation_scope'
        or (unit_counts.unit_type = 'interaction' and coalesce(unit_counts.scope, pivots.scope) = pivots.scope)

),

domain_counts as (

    select
        {{ keys | join(',\n        ') }},
        policy_id,
        sum(units) as units
    from domain_units
    where pivot_value is not null
    group by {{ keys | join(', ') }}, policy_id

),

domain_totals as (

    select *
    from domain_counts
    where policy_id is null

),

day_sums as (

    select
        domain_totals.{{ keys | join(',\n        domain_totals.') }},
        policies.policy_id,
        domain_totals.units,
        coalesce(violating_domains.units, 0) as violating_units
    from domain_totals
    cross join policies
    left join domain_counts as violating_domains
        on
            policies.policy_id = violating_domains.policy_id
            {%- for key in keys %}
            and domain_totals.{{ key }} = violating_domains.{{ key }}
            {%- endfor %}

),

periods as (

    select period_rows.period_type
    from (values ('day'), ('week'), ('28_days')) as period_rows (period_type)

),

-- a user on two days is two user-days, so days add up
dated_sums as (

    select
        day_sums.*,
        periods.period_type,
        case periods.period_type
            when 'day' then day_sums.day_date
            when 'week' then {{ prevalence._week_start('day_sums.day_date') }}
            else {{ prevalence._add_days('day_sums.day_date', '-(day_sums.day_number % 28)') }}
        end as period_start
    from day_sums
    cross join periods

),

final as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        cast(sum(units) as bigint) as units,
        cast(sum(violating_units) as bigint) as violating_units,
        cast(sum(violating_units) as double) / cast(sum(units) as double) as true_prevalence
    from dated_sums
    group by period_type, period_start, policy_id, unit_type, pivot_name, pivot_value

)

select * from final
