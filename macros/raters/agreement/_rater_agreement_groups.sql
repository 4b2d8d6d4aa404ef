{#- CTEs _sv_groups to _sv_repeats, made of _sv_members: what is counted in each group, and answers of a rater to an
item beyond the first.

`spec`: _rater_agreement_spec.sql
-#}
{% macro _rater_agreement_groups(spec) -%}
_sv_groups as (

    select
        {{ spec.domain | join(',\n        ') }},
        count(distinct case when _sv_label is not null then _sv_item end) as _sv_items,
        count(distinct case when _sv_label is not null then _sv_rater end) as _sv_raters,
        count(distinct _sv_label) as _sv_distinct,
        count(_sv_label) as _sv_labels,
        count(_sv_number) as _sv_numbers,
        count(*) - count(_sv_label) as _sv_missing,
        sum(case when _sv_item is null or _sv_rater is null then 1 else 0 end) as _sv_invalid
    from _sv_members
    group by {{ spec.group_by }}

),

_sv_ratings as (

    select
        {{ (spec.domain + ['_sv_item', '_sv_rater']) | join(',\n        ') }},
        count(_sv_label) - 1 as _sv_repeats
    from _sv_members
    group by {{ spec.group_by }}, _sv_item, _sv_rater
    having count(_sv_label) > 1

),

_sv_repeats as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(_sv_repeats) as _sv_repeats
    from _sv_ratings
    group by {{ spec.group_by }}

),
{%- endmacro %}
