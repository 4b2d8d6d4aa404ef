{#- CTEs _sv_ratings to _sv_answers, made of _sv_members: how often which rater gave which label to which item, the
status of each group, and its items, raters and labels in numbers.

`spec`: _dawid_skene_spec.sql
-#}
{% macro _dawid_skene_answers(spec) -%}
_sv_ratings as (

    select
        {{ (spec.domain + ['_sv_item', '_sv_rater', '_sv_label']) | join(',\n        ') }},
        count(*) as _sv_count
    from _sv_members
    {%- if [] not in spec.by %}
    where _sv_set > 0
    {%- endif %}
    group by {{ spec.group_by }}, _sv_item, _sv_rater, _sv_label

),

_sv_sizes as (

    select
        *,
        sum(case when _sv_label is not null then _sv_count else 0 end) over (
            partition by {{ spec.group_by }}, _sv_item
        ) as _sv_size
    from _sv_ratings

),

_sv_groups as (

    select
        {{ spec.domain | join(',\n        ') }},
        row_number() over (order by {{ spec.group_by }}) as _sv_group,
        count(distinct case when _sv_label is not null then _sv_item end) as _sv_items,
        count(distinct case when _sv_label is not null then _sv_rater end) as _sv_raters,
        count(distinct _sv_label) as _sv_distinct,
        sum(case when _sv_label is not null then _sv_count else 0 end) as _sv_labels,
        sum(case when _sv_label is null then _sv_count else 0 end) as _sv_missing,
        sum(case when _sv_item is null or _sv_rater is null then _sv_count else 0 end) as _sv_invalid,
        max(_sv_size) as _sv_most
    from _sv_sizes
    group by {{ spec.group_by }}

),

_sv_states as (

    select
        *,
        case
            when _sv_invalid > 0 then 'invalid_rows'
            when _sv_most < 2 then 'no_pairs'
            when _sv_raters < 3 then 'too_few_raters'
            when _sv_distinct < 2 then 'one_label'
            else 'ok'
        end as _sv_status
    from _sv_groups

),

_sv_answers as (

    select
        _sv_states._sv_group,
        _sv_states._sv_status,
        _sv_ratings._sv_item,
        _sv_ratings._sv_rater,
        _sv_ratings._sv_label,
        _sv_ratings._sv_count,
        cast(_sv_ratings._sv_count as double) as _sv_weight,
        {%- for part in ['item', 'rater', 'label'] %}
        cast(
            dense_rank() over (partition by _sv_states._sv_group order by _sv_ratings._sv_{{ part }}) as double
        ) as _sv_{{ part }}_number{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_ratings
    inner join _sv_states
        on {{ prevalence._sv_same(spec.domain, '_sv_ratings', '_sv_states') }}
    where _sv_ratings._sv_label is not null

),
{%- endmacro %}
