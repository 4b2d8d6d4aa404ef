{#- A SELECT with all rows of a relation and row_rank (bigint), the place of each among the rows of its key: 1 is the first.

Few rows of a log are copies. DuckDB counts the rows of each key and ranks those of keys that occur more than once, because
ranking sorts whole rows; it reads the relation three times, so `_inlined` keeps that from being stored (docs/benchmarks.md, from a
day of logs to a draw). On Spark one reading ranks all: the rows of a key lie in one partition already.

Arguments:
    relation: name of a CTE, declared with `_inlined` as is what it reads of the logs.
    key: list of columns; nulls are equal.
    part: SQL expression that divides the rows of a key into parts which are ranked on their own.
    order_by: SQL text, a total order of all that tells rows apart.
    same: column that copies have to have in common; with it comes is_first_or_same, false where it is not that of the first.
-#}
{% macro _ranked_copies(relation, key, part, order_by, same=none) -%}
    {{ return(adapter.dispatch('_ranked_copies', 'prevalence')(relation, key, part, order_by, same)) }}
{%- endmacro %}

{#- Whether a row has the value of the first row of its key and part. -#}
{% macro _is_first_or_same(key, part, order_by, same) -%}
    coalesce(
        {{ same }} = first_value({{ same }}) over (partition by {{ key | join(', ') }}, {{ part }} order by {{ order_by }}), true
    ) as is_first_or_same
{%- endmacro %}

{% macro default___ranked_copies(relation, key, part, order_by, same) -%}
    {{ prevalence._refuse_engine('_ranked_copies') }}
{%- endmacro %}

{% macro duckdb___ranked_copies(relation, key, part, order_by, same) -%}
{%- set same_key -%}
        {% for column in key %}
        {{ 'and ' if not loop.first }}_rc_rows.{{ column }} is not distinct from _rc_copied.{{ column }}
        {%- endfor %}
{%- endset -%}
with

_rc_copied as (

    select {{ key | join(', ') }}
    from {{ relation }}
    group by {{ key | join(', ') }}
    having count(*) > 1

)

select
    _rc_rows.*,
    cast(1 as bigint) as row_rank
    {%- if same %},
    true as is_first_or_same
    {%- endif %}
from {{ relation }} as _rc_rows
anti join _rc_copied
    on {{ same_key }}
union all
select
    _rc_rows.*,
    row_number() over (partition by {{ key | join(', ') }}, {{ part }} order by {{ order_by }}) as row_rank
    {%- if same %},
    {{ prevalence._is_first_or_same(key, part, order_by, same) }}
    {%- endif %}
from {{ relation }} as _rc_rows
semi join _rc_copied
    on {{ same_key }}
{%- endmacro %}

{% macro spark___ranked_copies(relation, key, part, order_by, same) -%}
select
    *,
    cast(
        row_number() over (partition by {{ key | join(', ') }}, {{ part }} order by {{ order_by }}) as bigint
    ) as row_rank
    {%- if same %},
    {{ prevalence._is_first_or_same(key, part, order_by, same) }}
    {%- endif %}
from {{ relation }}
{%- endmacro %}

{#- Between `as` and the bracket of a CTE: the engine is to read its sources anew for each reader, not to store its rows.
Spark does so anyway. -#}
{% macro _inlined() -%}{{ return(adapter.dispatch('_inlined', 'prevalence')()) }}{%- endmacro %}

{% macro default___inlined() -%}{{ prevalence._refuse_engine('_inlined') }}{%- endmacro %}

{% macro duckdb___inlined() -%}not materialized{%- endmacro %}

{% macro spark___inlined() -%}{%- endmacro %}
