{#- Sums that the steps of survey_estimates take, as expressions. -#}

{#- What is only added up, from the rows to the domain: name -> aggregates of rows, and of groups of rows. -#}
{% macro _sv_carried(spec) -%}
    {%- set carried = {
        'rows': ['count(*)', 'sum(_sv_rows)'],
        'labeled': ['count(_sv_y)', 'sum(_sv_labeled)'],
        'positive': ['count(_sv_positive)', 'sum(_sv_positive)'],
        'invalid': ['count(_sv_invalid)', 'sum(_sv_invalid)'],
        'wyy': ['sum(_sv_wyy)', 'sum(_sv_wyy)']
    } -%}
    {%- set names = [] -%}
    {%- if not spec.unit_x -%}
        {%- do names.append('w') -%}
    {%- endif -%}
    {%- if not spec.unit_x and not spec.total -%}
        {%- do names.extend(['wyx', 'wxx']) -%}
    {%- endif -%}
    {%- if spec.with_missed -%}
        {%- do names.append('certain') -%}
    {%- endif -%}
    {%- for name in names -%}
        {%- do carried.update({name: ['sum(_sv_' ~ name ~ ')', 'sum(_sv_' ~ name ~ ')']}) -%}
    {%- endfor -%}
    {%- if spec.with_counted and spec.total -%}
        {%- do carried.update({'found': ['sum(_sv_found)', 'sum(_sv_found)']}) -%}
    {%- endif -%}
    {%- if not spec.total or spec.with_counted -%}
        {%- do carried.update({'shortfall': ['max(_sv_shortfall)', 'max(_sv_shortfall)']}) -%}
    {%- endif -%}
    {%- if spec.frame_maximum_weight is not none -%}
        {%- do carried.update({'frame_maximum': ['max(_sv_frame_maximum)', 'max(_sv_frame_maximum)']}) -%}
    {%- endif -%}
    {%- if spec.missed_weight is not none -%}
        {#- counted with the weight, so that a domain's mean is over the rows that have one; what is drawn by one random
        number is missed as a whole -#}
        {%- do carried.update({
            'missed': ['sum(_sv_missed)', 'sum(_sv_missed)'],
            'with_missed': [
                'max(case when _sv_missed is not null then 1 end)' if spec.is_coordinated else 'count(_sv_missed)',
                'sum(_sv_with_missed)'
            ]
        }) -%}
    {%- endif -%}
    {{ return(carried) }}
{%- endmacro %}

{% macro _sv_carried_sums(carried, of_rows) -%}
    {%- for name, aggregates in carried.items() -%}
        {{ aggregates[0 if of_rows else 1] }} as _sv_{{ name }},{{ '' if loop.last else '\n        ' }}
    {%- endfor -%}
{%- endmacro %}

{#- Sum of products about the means, over the rows that have both. -#}
{% macro _sv_moment(left, right) -%}
    {%- if left == right -%}
    var_pop(_sv_{{ left }}) * count(_sv_b)
    {%- else -%}
    covar_pop(_sv_{{ left }}, _sv_{{ right }}) * count(_sv_b)
    {%- endif -%}
{%- endmacro %}
