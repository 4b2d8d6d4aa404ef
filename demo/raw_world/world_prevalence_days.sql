{{ prevalence._daily('day_start_at') }}
{{ config(enabled=var('demo_world', false), schema='demo_world') }}

with

requests as (

    select
        day_number,
        day_start_at,
        interaction_id,
        surface,
        coalesce(country, 'unknown') as country
    from {{ ref('world_requests') }}
    where not is_lost

),

viewed_components as (

    select *
    from {{ ref('world_components') }}
    where
        row_origin = 'component'
        and coalesce(was_viewed, true)

),

contents as (

    select
        content_id,
        cast(coalesce(first_scored_at, second_scored_at) as date) as first_scored_date
    from {{ ref('world_contents') }}

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

views as (

    select
        requests.day_number,
        requests.day_start_at,
        requests.surface,
        requests.country,
        viewed_components.interaction_id,
        viewed_components.content_id
    from viewed_components
    inner join requests
        on viewed_components.interaction_id = requests.interaction_id

),

-- far fewer rows than views, since what is popular falls together
content_views as (

    select
        day_number,
        day_start_at,
        content_id,
        surface,
        country,
        count(*) as views
    from views
    group by day_number, day_start_at, content_id, surface, country

),

viewed_contents as (

    select distinct
        day_start_at,
        content_id
    from content_views

),

known_ages as (

    select
        viewed_contents.day_start_at,
        viewed_contents.content_id,
        {{ prevalence._days_between('contents.first_scored_date', 'cast(viewed_contents.day_start_at as date)') }}
            as age_days
    from viewed_contents
    inner join contents
        on viewed_contents.content_id = contents.content_id
    where contents.first_scored_date <= cast(viewed_contents.day_start_at as date)

),

aged_content_views as (

    select
        content_views.*,
        {{ prevalence._world_age_bucket('known_ages.age_days') }} as content_age
    from content_views
    left join known_ages
        on
            content_views.day_start_at = known_ages.day_start_at
            and content_views.content_id = known_ages.content_id

),

pivots as (

    select pivot_rows.pivot_name
    from (values ('overall'), ('surface'), ('country'), ('content_age')) as pivot_rows (pivot_name)

),

content_domains as (

    select
        aged_content_views.*,
        pivots.pivot_name,
        case pivots.pivot_name
            when 'surface' then aged_content_views.surface
            when 'country' then aged_content_views.country
            when 'content_age' then aged_content_views.content_age
            else 'all'
        end as pivot_value
    from aged_content_views
    cross join pivots

),

content_domain_views as (

    select
        day_number,
        day_start_at,
        content_id,
        pivot_name,
        pivot_value,
        sum(views) as views
    from content_domains
    group by day_number, day_start_at, content_id, pivot_name, pivot_value

),

interaction_ages as (

    -- as old as the newest thing that was seen
    select
        views.interaction_id,
        min(known_ages.age_days) as age_days
    from views
    inner join known_ages
        on
            views.day_start_at = known_ages.day_start_at
            and views.content_id = known_ages.content_id
    group by views.interaction_id

),

interaction_domains as (

    select
        requests.*,
        pivots.pivot_name,
        case pivots.pivot_name
            when 'surface' then requests.surface
            when 'country' then requests.country
            when 'content_age' then {{ prevalence._world_age_bucket('interaction_ages.age_days') }}
            else 'all'
        end as pivot_value
    from requests
    left join interaction_ages
        on requests.interaction_id = interaction_ages.interaction_id
    cross join pivots

),

domain_totals as (

    select
        day_number,
        day_start_at,
        'content_day' as unit_type,
        pivot_name,
        pivot_value,
        count(*) as units,
        sum(views) as exposure
    from content_domain_views
    group by day_number, day_start_at, pivot_name, pivot_value

    union all

    select
        day_number,
        day_start_at,
        'interaction' as unit_type,
        pivot_name,
        pivot_value,
        count(*) as units,
        count(*) as exposure
    from interaction_domains
    group by day_number, day_start_at, pivot_name, pivot_value

    union all

    select
        requests.day_number,
        requests.day_start_at,
        'interaction' as unit_type,
        'violation_scope' as pivot_name,
        scopes.violation_scope as pivot_value,
        count(*) as units,
        count(*) as exposure
    from requests
    cross join (values ('any_component'), ('whole_alone')) as scopes (violation_scope)
    group by requests.day_number, requests.day_start_at, scopes.violation_scope

),

domain_violations as (

    select
        content_domain_views.day_start_at,
        'content_day' as unit_type,
        violating_contents.policy_id,
        content_domain_views.pivot_name,
        content_domain_views.pivot_value,
        sum(content_domain_views.views) as violating_exposure
    from content_domain_views
    inner join violating_contents
        on content_domain_views.content_id = violating_contents.content_id
    group by
        content_domain_views.day_start_at, violating_contents.policy_id,
        content_domain_views.pivot_name, content_domain_views.pivot_value

    union all

    select
        interaction_domains.day_start_at,
        'interaction' as unit_type,
        interaction_labels.policy_id,
        interaction_domains.pivot_name,
        interaction_domains.pivot_value,
        count(*) as violating_exposure
    from interaction_domains
    inner join interaction_labels
        on interaction_domains.interaction_id = interaction_labels.interaction_id
    group by
        interaction_domains.day_start_at, interaction_labels.policy_id,
        interaction_domains.pivot_name, interaction_domains.pivot_value

    union all

    select
        day_start_at,
        'interaction' as unit_type,
        policy_id,
        'violation_scope' as pivot_name,
        case when any_component_violates then 'any_component' else 'whole_alone' end as pivot_value,
        count(*) as violating_exposure
    from interaction_labels
    group by day_start_at, policy_id, case when any_component_violates then 'any_component' else 'whole_alone' end

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

final as (

    select
        domain_totals.day_number,
        domain_totals.day_start_at,
        policies.policy_id,
        domain_totals.unit_type,
        domain_totals.pivot_name,
        domain_totals.pivot_value,
        cast(domain_totals.units as bigint) as units,
        cast(domain_totals.exposure as bigint) as exposure,
        cast(coalesce(domain_violations.violating_exposure, 0) as bigint) as violating_exposure
    from domain_totals
    cross join policies
    left join domain_violations
        on
            domain_totals.day_start_at = domain_violations.day_start_at
            and domain_totals.unit_type = domain_violations.unit_type
            and domain_totals.pivot_name = domain_violations.pivot_name
            and domain_totals.pivot_value = domain_violations.pivot_value
            and policies.policy_id = domain_violations.policy_id

)

select * from final
