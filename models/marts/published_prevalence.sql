{{ config(materialized='view') }}

{#- In a warehouse of an earlier version the ledger itself is a table of this name, and no view takes its place. -#}
{%- set stored = load_relation(this) if execute and flags.INTROSPECT -%}
{%- if stored and stored.is_table -%}
{{ exceptions.raise_compiler_error(
    this ~ " is the ledger of an earlier version, which now lies in releases.release_ledger. Remedy: "
    ~ "`prevalence migrate`, which moves it there."
) }}
{%- endif %}

with

releases as (

    select * from {{ ref('release_history') }}

),

final as (

    select
        release_number,
        release_id,
        fingerprint,
        release_status,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        row_fingerprint,
        policy_version,
        period_end,
        days_measured,
        days_expected,
        interval_caution
    from releases

)

select * from final
