{#- CTEs _sv_domain_sums to _sv_member_residuals, made of _sv_members: sums and ratio of each domain, and the residual
y - R x of its rows.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_residuals(spec) -%}
_sv_domain_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        cast(count(*) as double) as _sv_rows,
        cast(count(_sv_y) as double) as _sv_labeled,
        {{- prevalence._sv_label_counts() }}
        sum(_sv_invalid) as _sv_invalid,
        sum(case when _sv_factor is null then 1 else 0 end) as _sv_unfitted,
        min(_sv_factor) as _sv_smallest_factor,
        max(_sv_factor) as _sv_largest_factor,
        {{- prevalence._sv_label_sums('_sv_wg') }}
        sum(_sv_wg * _sv_y) as _sv_a,
        sum(case when _sv_y is not null then _sv_wg * _sv_x end) as _sv_b
    from _sv_members
    group by {{ spec.domain | join(', ') }}

),

_sv_ratios as (

    select
        *,
        {{ 'cast(0 as double)' if spec.total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_ratio
    from _sv_domain_sums

),

_sv_member_residuals as (

    select
        _sv_members.*,
        _sv_ratios._sv_ratio,
        _sv_members._sv_y - _sv_ratios._sv_ratio * _sv_members._sv_x as _sv_u
    from _sv_members
    inner join _sv_ratios
        on {{ prevalence._sv_same(spec.domain, '_sv_members', '_sv_ratios') }}

),
{%- endmacro %}
