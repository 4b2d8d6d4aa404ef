{#- Rows of a PSU that are drawn by one random number: two of them together with the smaller of their probabilities. -#}

{#- The CTE _sv_ordered_members, with the sum of each variable over the rows of the PSU that came before. -#}
{% macro _sv_ordered_members(variables, psu) -%}
_sv_ordered_members as (

    -- rows of a PSU from the smallest probability to the largest: a unit that is drawn with the smaller one is drawn
    -- with the larger one, too
    select
        *,
        {%- for name in variables %}
        coalesce(
            sum(_sv_{{ name }}) over (
                partition by {{ psu | join(', ') }}
                order by _sv_f desc
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as _sv_before_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_members

),
{%- endmacro %}

{#- What a PSU adds to the variance or covariance of two variables: every pair of its rows, with 1 - probability. -#}
{% macro _sv_coordinated_product(left, right) -%}
sum(
            _sv_f * (
                _sv_{{ left }} * _sv_{{ right }}
                + _sv_{{ left }} * _sv_before_{{ right }}
                + _sv_{{ right }} * _sv_before_{{ left }}
            )
        )
{%- endmacro %}
