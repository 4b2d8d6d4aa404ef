{#- What the macros about raters say of an answer. -#}

{#- First columns of _sv_values: the values of the `by` columns, item, rater and label. -#}
{% macro _sv_answer_values(columns, item, rater, label) -%}
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        {{ rater }} as _sv_rater,
        cast(({{ label }}) as string) as _sv_label
{%- endmacro %}

{#- 1 where the answer is the positive one, 0 where it is another, null without one or without a positive label. -#}
{% macro _sv_is_positive(label, positive_label) -%}
    {%- if positive_label is none -%}
    cast(null as int)
    {%- else -%}
    case when ({{ label }}) = ({{ positive_label }}) then 1 when ({{ label }}) is not null then 0 end
    {%- endif -%}
{%- endmacro %}

{#- The answer's number; null for an answer without one: it cannot be ranked, and is counted. -#}
{% macro _sv_finite_or_null(label, label_value) -%}
    {%- if label_value is none -%}
    cast(null as double)
    {%- else -%}
    case
            when ({{ label }}) is not null and {{ prevalence._is_finite('cast((' ~ label_value ~ ') as double)') }}
                then cast(({{ label_value }}) as double)
        end
    {%- endif -%}
{%- endmacro %}
