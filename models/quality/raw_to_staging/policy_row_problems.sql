{{ config(materialized='table') }}

with

policy_versions as (

    select *
    from {{ ref('stg_policy_versions') }}

),

-- of versions that hold on the same day nobody can tell which is asked about
versions_twice as (

    select
        policy_id,
        'stands_twice' as problem,
        'the policy stands in ' || cast(count(*) as string)
        || ' rows that hold on the same days; keep one of them, or let valid_from and valid_until say which days '
        || 'each is for'
            as message
    from policy_versions
    where is_in_force_twice
    group by policy_id

),

lives_without_a_day as (

    select
        policy_id,
        'valid_until_not_after_valid_from' as problem,
        'valid_until is ' || cast(max(valid_until) as string) || ' and valid_from ' || cast(max(valid_from) as string)
        || '; valid_until is the day after the last one, so put a later day there' as message
    from policy_versions
    where valid_until <= valid_from
    group by policy_id

),

problems as (

    select * from versions_twice

    union all

    select * from lives_without_a_day

),

final as (

    select
        policy_id,
        problem,
        cast(2 as bigint) as severity,
        message
    from problems

)

select * from final
