{{ config(enabled=var('demo_world', false), materialized='table', alias='user_reports', schema='raw') }}

{%- set policies = prevalence._world_policies() %}

with

requests as (

    select *
    from {{ ref('world_requests') }}
    where
        not is_lost
        and user_id is not null

),

violations as (

    select *
    from {{ ref('world_interaction_labels') }}
    where any_component_violates

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

-- one viewed violation in thirty is reported
true_reports as (

    select
        requests.interaction_id || '|' || cast(viewed_components.position as string) || '|' || violations.policy_id
            as report_key,
        viewed_components.content_id,
        violations.policy_id,
        requests.occurred_at,
        requests.user_id
    from violations
    inner join requests
        on violations.interaction_id = requests.interaction_id
    inner join viewed_components
        on violations.interaction_id = viewed_components.interaction_id
    inner join violating_contents
        on
            viewed_components.content_id = violating_contents.content_id
            and violations.policy_id = violating_contents.policy_id
    where {{ prevalence._world_unit(
        "requests.request_key || '|' || cast(viewed_components.position as string)", 'true report'
    ) }} < 0.033

),

-- and one request in a thousand ends in a report of the first thing that was seen, which mostly breaks no policy
other_reporters as (

    select *
    from requests
    where {{ prevalence._world_unit('request_key', 'other report') }} < 0.001

),

other_reports as (

    select
        other_reporters.interaction_id || '|other' as report_key,
        viewed_components.content_id,
        case
            {%- for policy in policies %}
            when {{ prevalence._world_unit('other_reporters.request_key', 'reason') }} < {{ loop.index * 0.2 }}
                then '{{ policy.policy_id }}'
            {%- endfor %}
        end as policy_id,
        other_reporters.occurred_at,
        other_reporters.user_id
    from other_reporters
    inner join viewed_components
        on other_reporters.interaction_id = viewed_components.interaction_id
    where viewed_components.position = 0

),

reports as (

    select * from true_reports
    union all
    select * from other_reports

),

final as (

    select
        'p' || substr({{ prevalence._world_hex('report_key', 'report') }}, 1, 20) as report_id,
        content_id,
        policy_id,
        {{ prevalence._add_seconds(
            'occurred_at', '5 + cast(floor(600 * ' ~ prevalence._world_unit('report_key', 'report delay') ~ ') as bigint)'
        ) }} as reported_at,
        user_id
    from reports

)

select * from final
