{{ config(materialized='view', tags=['before_publication']) }}

{#- 32 bits of a row's fingerprint as a whole number. Sums of such do not depend on the order of rows, and 2^31 rows fit. -#}
{%- macro row_number_text(part) -%}
    cast(
        coalesce(
            sum(
                cast(
                    floor({{ prevalence.hash_unit('row_fingerprint', 'release_' ~ part) }} * 4294967296) as bigint
                )
            ), 0
        ) as string
    )
{%- endmacro -%}

with

estimates as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        plan_id,
        prevalence,
        row_fingerprint
    from {{ ref('publishable_estimates') }}

),

keys as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        plan_id,
        count(*) - 1 as extra_rows
    from estimates
    group by period_type, period_start, policy_id, unit_type, pivot_name, pivot_value, estimator, plan_id

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
            cast(count(*) as string) || '|' || {{ row_number_text(1) }} || '|' || {{ row_number_text(2) }}
            || '|' || {{ row_number_text(3) }}
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
