{#- Rows of one plan or policy follow each other in time: each begins with its `valid_from` (null: with the first day) and ends before
its `valid_until`, or before the next one begins. -#}

{#- The day before which a row ends; null: none. `key` names what the rows are of. -#}
{% macro _in_force_until(key) -%}
    coalesce(
            valid_until,
            lead(valid_from) over (partition by {{ key }} order by valid_from asc nulls first)
        )
{%- endmacro %}

{#- Whether another row of the same holds on one of the days, so that nobody can tell which does. -#}
{% macro _is_in_force_twice(key) -%}
    coalesce(
            -- rows of one beginning, of which none comes first
            count(*) over (partition by {{ key }}, valid_from) > 1
            or max(coalesce(valid_until, cast('0001-01-01' as date))) over (
                partition by {{ key }}
                order by valid_from asc nulls first
                rows between unbounded preceding and 1 preceding
            ) > coalesce(valid_from, cast('0001-01-01' as date))
            or lead(valid_from) over (partition by {{ key }} order by valid_from asc nulls first) < valid_until,
            false
        )
{%- endmacro %}

{#- Whether a row holds on a day. -#}
{% macro _is_in_force(day, row) -%}
    coalesce({{ day }} >= {{ row }}.valid_from, true)
            and coalesce({{ day }} < {{ row }}.in_force_until, true)
{%- endmacro %}

{#- A text that orders versions as people number them, v9 before v10: the first four numbers of each, then the text itself. -#}
{% macro _version_order(version) -%}
    {%- for number in range(4) -%}
    lpad(coalesce(nullif(regexp_extract({{ version }}, '^{{ '[^0-9]*[0-9]+' * number }}[^0-9]*([0-9]+)', 1), ''), '0'), 18, '0')
            || '|' || {% endfor -%}
    {{ version }}
{%- endmacro %}
