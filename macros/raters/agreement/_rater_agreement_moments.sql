{#- CTEs _sv_numbers to _sv_moments, made of _sv_members: mean squared differences of mid-ranks and numbers, within
items and of all, where label_value is given.

`spec`: _rater_agreement_spec.sql
-#}
{% macro _rater_agreement_moments(spec) -%}
_sv_numbers as (

    select
        {{ (spec.domain + ['_sv_item', '_sv_number']) | join(',\n        ') }},
        count(*) over (partition by {{ spec.group_by }}, _sv_item) as _sv_size
    from _sv_members
    where _sv_number is not null

),

_sv_pairable as (

    -- the mid-rank is the number of smaller answers and half of that of equal ones
    select
        {{ (spec.domain + ['_sv_item', '_sv_size']) | join(',\n        ') }},
        rank() over (partition by {{ spec.group_by }} order by _sv_number) - 1
        + cast(0.5 as double) * count(*) over (partition by {{ spec.group_by }}, _sv_number)
        - cast(0.5 as double) * count(*) over (partition by {{ spec.group_by }}) as _sv_rank,
        _sv_number - avg(_sv_number) over (partition by {{ spec.group_by }}) as _sv_centred
    from _sv_numbers
    where _sv_size > 1

),

_sv_item_moments as (

    select
        {{ (spec.domain + ['_sv_item', '_sv_size']) | join(',\n        ') }}
        {%- for scale, number in spec.moments.items() %},
        sum({{ number }}) as _sv_{{ scale }}_sum,
        sum({{ number }} * {{ number }}) as _sv_{{ scale }}_squares,
        var_pop({{ number }}) as _sv_{{ scale }}_variance
        {%- endfor %}
    from _sv_pairable
    group by {{ spec.group_by }}, _sv_item, _sv_size

),

_sv_moments as (

    select
        {{ spec.domain | join(',\n        ') }}
        {%- for scale in spec.moments %},
        -- mean squared differences of pairs: within items, and of all
        sum(2 * _sv_size * _sv_size * _sv_{{ scale }}_variance / (_sv_size - 1)) / sum(_sv_size)
            as _sv_{{ scale }}_observed,
        2 * (
            sum(_sv_{{ scale }}_squares) * sum(_sv_size) - sum(_sv_{{ scale }}_sum) * sum(_sv_{{ scale }}_sum)
        ) / (cast(sum(_sv_size) as double) * (sum(_sv_size) - 1)) as _sv_{{ scale }}_expected
        {%- endfor %}
    from _sv_item_moments
    group by {{ spec.group_by }}

),
{%- endmacro %}
