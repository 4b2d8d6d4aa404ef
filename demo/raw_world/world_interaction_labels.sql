{{ prevalence._daily('day_start_at') }}
{{ config(enabled=var('demo_world', false), schema='demo_world') }}

{%- set policies = prevalence._world_policies() %}

with

requests as (

    select *
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

violating_contents as (

    select *
    from {{ ref('world_content_risks') }}
    where is_violating

),

component_violations as (

    select
        viewed_components.interaction_id,
        violating_contents.policy_id,
        -- as hard as its plainest violation
        min(violating_contents.difficulty) as difficulty
    from viewed_components
    inner join violating_contents
        on viewed_components.content_id = violating_contents.content_id
    group by viewed_components.interaction_id, violating_contents.policy_id

),

view_counts as (

    select
        interaction_id,
        count(*) as views
    from viewed_components
    group by interaction_id

),

-- several harmless parts that together do harm: likelier where borderline contents are shown
whole_draws as (

    select
        requests.interaction_id,
        policies.policy_id,
        {{ prevalence._world_unit("requests.request_key || '|' || policies.policy_id", 'whole') }} as whole_unit,
        {{ prevalence._world_unit("requests.request_key || '|' || policies.policy_id", 'whole difficulty') }}
            as difficulty_unit,
        case
            {%- for policy in policies %}
            when policies.policy_id = '{{ policy.policy_id }}'
                then requests.share_{{ loop.index }} * cast({{ policy.whole_factor }} as double)
            {%- endfor %}
        end as whole_probability
    from requests
    inner join view_counts
        on requests.interaction_id = view_counts.interaction_id
    cross join (
        values
        {%- for policy in policies %}
        ('{{ policy.policy_id }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as policies (policy_id)
    where view_counts.views >= 2

),

whole_violations as (

    select
        whole_draws.interaction_id,
        whole_draws.policy_id,
        floor(1000000 * (cast(0.4 as double) + cast(0.6 as double) * whole_draws.difficulty_unit))
        / cast(1000000 as double) as difficulty
    from whole_draws
    left join component_violations
        on
            whole_draws.interaction_id = component_violations.interaction_id
            and whole_draws.policy_id = component_violations.policy_id
    where
        whole_draws.whole_unit < whole_draws.whole_probability
        and component_violations.interaction_id is null

),

violations as (

    select
        *,
        true as any_component_violates
    from component_violations

    union all

    select
        *,
        false as any_component_violates
    from whole_violations

),

final as (

    select
        requests.day_start_at,
        violations.interaction_id,
        violations.policy_id,
        violations.any_component_violates,
        not violations.any_component_violates as whole_violates_alone,
        violations.difficulty
    from violations
    inner join requests
        on violations.interaction_id = requests.interaction_id

)

select * from final
