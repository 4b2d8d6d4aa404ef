{#- Whether estimated shares may be shown, by the standard that the US health statistics agency keeps for proportions.

Parker et al. (2017), National Center for Health Statistics, Vital and Health Statistics 2(175). It is meant for
Korn-Graubard intervals truncated at the sampled units; the interval is the relation's own.

Arguments, columns, flags and reasons: macros/_macros.yml.

Usage:
    with estimates as ( {{ prevalence.survey_estimates(..., interval='korn_graubard_trunc') }} )
    select * from ( {{ prevalence.nchs_presentation('estimates') }} ) as shown
-#}
{% macro nchs_presentation(
    relation,
    estimate='estimate',
    sampled_units='sampled_units',
    effective_n='effective_n',
    degrees_of_freedom='degrees_of_freedom',
    interval_lower='interval_lower',
    interval_upper='interval_upper',
    least_sampled_units=30,
    least_effective_n=30,
    least_degrees_of_freedom=8,
    greatest_width=0.30,
    always_narrow_width=0.05,
    greatest_relative_width=1.30
) -%}
{%- set limits = {
    'least_sampled_units': least_sampled_units, 'least_effective_n': least_effective_n,
    'least_degrees_of_freedom': least_degrees_of_freedom, 'greatest_width': greatest_width,
    'always_narrow_width': always_narrow_width, 'greatest_relative_width': greatest_relative_width
} -%}
{%- for argument, value in limits.items() if value is not number or value is boolean or value < 0 -%}
    {{- exceptions.raise_compiler_error(
        "nchs_presentation: " ~ argument ~ " is " ~ value ~ ", and is compared with a number of units or a width. Remedy: give a number"
        " of at least 0 (0 passes the criterion over, for a width use 1 or more)."
    ) -}}
{%- endfor -%}
{%- set expressions = {
    'estimate': estimate, 'sampled_units': sampled_units, 'effective_n': effective_n,
    'degrees_of_freedom': degrees_of_freedom, 'interval_lower': interval_lower, 'interval_upper': interval_upper
} -%}
{%- for argument, value in expressions.items() -%}
    {{- prevalence._check_expression('nchs_presentation', argument, value, required=true) -}}
{%- endfor -%}
with

_sv_shares as (

    select
        *,
        cast(({{ interval_upper }}) - ({{ interval_lower }}) as double) as interval_width,
        cast(({{ interval_upper }}) - ({{ interval_lower }}) as double)
        / nullif(cast(({{ estimate }}) as double), 0) as relative_interval_width
    from {{ relation }}

),

_sv_reasons as (

    select
        *,
        case
            when ({{ estimate }}) is null then 'no_estimate'
            when ({{ sampled_units }}) < {{ least_sampled_units }} then 'few_sampled_units'
            when ({{ effective_n }}) < {{ least_effective_n }} then 'small_effective_n'
            when interval_width is null then 'no_interval'
            when interval_width >= {{ greatest_width }} then 'wide_interval'
            when
                interval_width > {{ always_narrow_width }}
                and coalesce(relative_interval_width > {{ greatest_relative_width }}, true) then 'relatively_wide_interval'
            when ({{ degrees_of_freedom }}) < {{ least_degrees_of_freedom }} then 'few_degrees_of_freedom'
            when ({{ estimate }}) in (0, 1) then 'no_events_or_only_events'
        end as presentation_reason
    from _sv_shares

)

select
    *,
    case
        when presentation_reason is null then 'show'
        when presentation_reason in ('few_degrees_of_freedom', 'no_events_or_only_events') then 'review'
        else 'suppress'
    end as presentation
from _sv_reasons
{%- endmacro %}
