{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

with

contents as (

    select *
    from {{ ref('world_contents') }}

),

policies as (

    select
        policy_rows.policy_id,
        policy_rows.policy_slot,
        policy_rows.general_risk
    from (
        values
        {%- for policy in prevalence._world_policies() %}
        ('{{ policy.policy_id }}', {{ loop.index }}, cast({{ policy.general_risk }} as double))
        {{- ',' if not loop.last }}
        {%- endfor %}
    ) as policy_rows (policy_id, policy_slot, general_risk)

),

keyed_risks as (

    select
        contents.*,
        policies.policy_id,
        policies.policy_slot,
        policies.general_risk,
        contents.slot = policies.policy_slot as is_borderline,
        contents.content_key || '|' || policies.policy_id as risk_key
    from contents
    cross join policies

),

hashed_risks as (

    select
        *,
        {{ prevalence._world_unit('risk_key', 'risk') }} as risk_unit,
        {{ prevalence._world_unit('risk_key', 'violation') }} as violation_unit
    from keyed_risks

),

-- The latent risk is the probability with which the content violates. Of ordinary contents a few carry nearly all of
-- it; what trends has been looked at by people before and carries little.
latent_risks as (

    select
        *,
        {{ prevalence._world_piece('risk_unit', 0, 26) }} as difficulty_piece,
        case
            when is_borderline
                then
                    cast(0.05 as double)
                    + cast(0.6 as double) * {{ prevalence._world_piece('risk_unit', 1, 26) }}
                    * {{ prevalence._world_piece('risk_unit', 1, 26) }}
            when block_rank < 10 then general_risk / cast(20 as double)
            else least(
                cast(0.5 as double),
                general_risk / ({{ prevalence._world_piece('risk_unit', 1, 26) }} + cast(1e-7 as double))
            )
        end as risk
    from hashed_risks

),

final as (

    select
        content_id,
        policy_id,
        cast(policy_slot as bigint) as policy_slot,
        risk_key,
        is_borderline,
        risk,
        violation_unit < risk as is_violating,
        -- hardest where a violation is as likely as not
        floor(
            1000000 * (
                cast(0.8 as double) * 4 * risk * (1 - risk)
                + cast(0.2 as double) * difficulty_piece * difficulty_piece * difficulty_piece
            )
        ) / cast(1000000 as double) as difficulty,
        created_at,
        first_scored_at,
        second_scored_at
    from latent_risks

)

select * from final
