{#- CTEs _sv_groups to _sv_pairs, made of _sv_members: the table of labels that two raters gave to the same items, for
each pair of raters and group.

`spec`: _rater_pair_agreement_spec.sql
-#}
{% macro _rater_pair_agreement_table(spec) -%}
_sv_groups as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(case when _sv_item is null or _sv_rater is null then 1 else 0 end) as _sv_invalid
    from _sv_members
    {%- if [] not in spec.by %}
    where _sv_set > 0
    {%- endif %}
    group by {{ spec.group_by }}

),

_sv_ratings as (

    -- a rater's answer to an item; more than one makes the pair's figures null
    select
        {{ (spec.domain + ['_sv_item', '_sv_rater']) | join(',\n        ') }},
        max(_sv_label) as _sv_label,
        max(_sv_positive) as _sv_positive,
        count(_sv_label) as _sv_answers
    from _sv_members
    where
        _sv_item is not null
        and _sv_rater is not null
        {%- if [] not in spec.by %}
        and _sv_set > 0
        {%- endif %}
    group by {{ spec.group_by }}, _sv_item, _sv_rater

),

_sv_table as (

    select
        {{ prevalence._columns_of('_sv_first', spec.domain) }},
        _sv_first._sv_rater as _sv_rater_1,
        _sv_second._sv_rater as _sv_rater_2,
        _sv_first._sv_label as _sv_label_1,
        _sv_second._sv_label as _sv_label_2,
        max(_sv_first._sv_positive + _sv_second._sv_positive) as _sv_positives,
        cast(count(*) as double) as _sv_count,
        sum(case when _sv_first._sv_answers > 1 or _sv_second._sv_answers > 1 then 1 else 0 end) as _sv_repeated
    from _sv_ratings as _sv_first
    inner join _sv_ratings as _sv_second
        on
            _sv_first._sv_item = _sv_second._sv_item
            and _sv_first._sv_rater < _sv_second._sv_rater
            and {{ prevalence._sv_same(spec.domain, '_sv_first', '_sv_second') }}
    group by
        {{ prevalence._columns_of('_sv_first', spec.domain) }},
        _sv_first._sv_rater,
        _sv_second._sv_rater,
        _sv_first._sv_label,
        _sv_second._sv_label

),

_sv_pairs as (

    select
        *,
        dense_rank() over (order by {{ spec.group_by }}, _sv_rater_1, _sv_rater_2) as _sv_pair
    from _sv_table

),
{%- endmacro %}
