{{ config(enabled=var('demo_world', false), materialized='table', alias='appeals', schema='raw') }}

with

enforcement_actions as (

    select *
    from {{ ref('raw_enforcement_actions') }}

),

content_risks as (

    select *
    from {{ ref('world_content_risks') }}

),

hashed_actions as (

    select
        enforcement_actions.action_id,
        enforcement_actions.acted_at,
        content_risks.is_violating,
        {{ prevalence._world_unit('enforcement_actions.action_id', 'appeal') }} as appeal_unit
    from enforcement_actions
    inner join content_risks
        on
            enforcement_actions.content_id = content_risks.content_id
            and enforcement_actions.policy_id = content_risks.policy_id

),

-- who was wronged appeals more often, and mostly succeeds
final as (

    select
        'q' || substr(action_id, 2) as appeal_id,
        action_id,
        {{ prevalence._add_seconds(
            'acted_at', 'cast(floor(432000 * ' ~ prevalence._world_piece('appeal_unit', 1) ~ ') as bigint) + 600'
        ) }} as appealed_at,
        case
            when {{ prevalence._world_piece('appeal_unit', 2) }} < 0.15 then null
            when is_violating and {{ prevalence._world_piece('appeal_unit', 3) }} < 0.9 then 'upheld'
            when not is_violating and {{ prevalence._world_piece('appeal_unit', 3) }} < 0.2 then 'upheld'
            else 'overturned'
        end as outcome
    from hashed_actions
    where {{ prevalence._world_piece('appeal_unit', 0) }} < case when is_violating then 0.08 else 0.4 end

)

select * from final
