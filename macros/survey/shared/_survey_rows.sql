{#- What the estimation macros say of a sampled row: its values, whether it can be used, what it adds to the sums. -#}

{#- First columns of _sv_source: the values of the `by` columns, y, x and weight. -#}
{% macro _sv_row_values(columns, y, x, weight) -%}
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        cast(({{ y }}) as double) as _sv_y,
        cast(({{ x }}) as double) as _sv_x,
        cast(({{ weight }}) as double) as _sv_w,
{%- endmacro %}

{#- An expression as a double; where none is given, the literal that stands for it. -#}
{% macro _sv_double(expression, otherwise='null') -%}
    {{ return('cast(' ~ (otherwise if expression is none else '(' ~ expression ~ ')') ~ ' as double)') }}
{%- endmacro %}

{#- Columns of _sv_source for the design: 1 for a probability, and infinity for a population, that is not given. -#}
{% macro _sv_row_design(inclusion_probability, population_psus) -%}
        {{ prevalence._sv_double(inclusion_probability, '1') }} as _sv_pi,
        {{ prevalence._sv_double(population_psus, "'infinity'") }} as _sv_population,
{%- endmacro %}

{#- The column _sv_invalid: `valid` for a row that can be used, 1 for one that cannot.

Every row needs a weight above 0, a finite x, and a y that is finite where there is one; `needs` are pairs of a further
column and what it has to be.
-#}
{% macro _sv_row_check(needs, weight='_sv_w', valid='0') -%}
        case
            when
                {% for column, state in [
                    (weight, 'finite'), (weight, 'positive'), ('_sv_x', 'finite'), ('_sv_y', 'finite_or_null')
                ] + needs -%}
                {{ 'and ' if not loop.first }}{{ prevalence._sv_row_state(column, state) }}
                {% endfor -%}
                then {{ valid }}
            else 1
        end as _sv_invalid
{%- endmacro %}

{% macro _sv_row_state(column, state) -%}
    {%- set finite = prevalence._is_finite(column) -%}
    {{ return({
        'known': column ~ ' is not null',
        'finite': finite,
        'finite_or_null': '(' ~ column ~ ' is null or ' ~ finite ~ ')',
        'positive': column ~ ' > 0',
        'probability': column ~ ' > 0 and ' ~ column ~ ' <= 1'
    }[state]) }}
{%- endmacro %}

{#- Counts of labeled rows, as sums: positive, below x, and no share of x. -#}
{% macro _sv_label_counts() -%}
        sum(case when _sv_y > 0 then 1 else 0 end) as _sv_positive,
        sum(case when _sv_y < _sv_x then 1 else 0 end) as _sv_below,
        sum(case when _sv_y < 0 or _sv_y > _sv_x then 1 else 0 end) as _sv_not_share,
{%- endmacro %}

{#- Columns of _sv_moments: whether no row of the domain is positive, and whether none is below x; by the judge's answers
as well, where these are part of the estimate. -#}
{% macro _sv_extremes(with_judge=false) -%}
        _sv_positive{{ ' + _sv_judge_positive' if with_judge }} = 0 as _sv_is_none,
        _sv_below{{ ' + _sv_judge_below' if with_judge }} = 0 as _sv_is_all,
{%- endmacro %}

{#- Weighted sums of labeled rows: of weights, of squares and products of y and x, and of the powers of w y that the
effective number of positives takes. -#}
{% macro _sv_label_sums(weight, weights_name='sum_of_weights') -%}
        sum(case when _sv_y is not null then {{ weight }} end) as _sv_{{ weights_name }},
        sum({{ weight }} * _sv_y * _sv_y) as _sv_wyy,
        sum({{ weight }} * _sv_y * _sv_x) as _sv_wyx,
        sum(case when _sv_y is not null then {{ weight }} * _sv_x * _sv_x end) as _sv_wxx,
        sum(case when _sv_y > 0 then power({{ weight }} * _sv_y, 2) end) as _sv_a2,
        sum(case when _sv_y > 0 then power({{ weight }} * _sv_y, 4) end) as _sv_a4,
{%- endmacro %}
