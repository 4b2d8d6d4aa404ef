{{ config(enabled=var('demo_world', false), materialized='table', alias='enforcement_actions', schema='raw') }}

with

content_risks as (

    select *
    from {{ ref('world_content_risks') }}

),

hashed_risks as (

    select
        *,
        {{ prevalence._world_hex('risk_key', 'action') }} as action_hex,
        {{ prevalence._world_unit('risk_key', 'action') }} as action_unit
    from content_risks
    where
        is_violating
        or risk > 0.05

),

-- Four violations in ten are found, and some of what comes close is taken for one. Contents stay up: what is removed
-- would have to vanish from the logs, so this world limits and labels.
final as (

    select
        'a' || substr(action_hex, 1, 20) as action_id,
        content_id,
        policy_id,
        case when {{ prevalence._world_piece('action_unit', 1) }} < 0.7 then 'limit' else 'label' end as action_type,
        {{ prevalence._add_seconds(
            'created_at', 'cast(floor(864000 * ' ~ prevalence._world_piece('action_unit', 2) ~ ') as bigint) + 3600'
        ) }} as acted_at
    from hashed_risks
    where {{ prevalence._world_piece('action_unit', 0) }} < case when is_violating then 0.4 else 0.03 end

)

select * from final
