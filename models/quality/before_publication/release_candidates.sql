{{ config(materialized='view') }}

with

estimates as (

    select *
    from {{ ref('publishable_estimates') }}

),

keys as (

    select count(*) - 1 as extra_rows
    from estimates
    group by
        period_type, period_start, policy_id, policy_version, unit_type, pivot_name, pivot_value, estimator, plan_id

),

duplicates as (

    select coalesce(sum(extra_rows), 0) as duplicate_keys
    from keys

),

totals as (

    select
        count(*) as candidate_rows,
        count(prevalence) as candidate_figures,
        md5(
            cast(count(*) as string)
            || '|' || {{ prevalence._hash_sum_text('row_fingerprint', 'release_1') }}
            || '|' || {{ prevalence._hash_sum_text('row_fingerprint', 'release_2') }}
            || '|' || {{ prevalence._hash_sum_text('row_fingerprint', 'release_3') }}
        ) as fingerprint
    from estimates

),

final as (

    select
        totals.fingerprint,
        'rel_' || substr(totals.fingerprint, 1, 16) as release_id,
        cast(totals.candidate_rows as bigint) as candidate_rows,
        cast(totals.candidate_figures as bigint) as candidate_figures,
        cast(duplicates.duplicate_keys as bigint) as duplicate_keys
    from totals
    cross join duplicates

)

select * from final
