{#- The sum over rows of a hash of some columns, as text: the same whatever the order of rows, another one when a value changes.

The engine's own hash, because it is taken of every landed row: it is compared with what the same engine said before. An engine of
another version may say something else, and then the rows count as changed.

Arguments:
    columns: list of column names.
    relation: alias that they belong to.
-#}
{% macro _row_hash_sum(columns, relation) -%}
    {{ return(adapter.dispatch('_row_hash_sum', 'prevalence')(columns, relation)) }}
{%- endmacro %}

{% macro default___row_hash_sum(columns, relation) -%}{{ prevalence._refuse_engine('_row_hash_sum') }}{%- endmacro %}

{% macro duckdb___row_hash_sum(columns, relation) -%}
cast(
            sum(
                cast(
                    hash(
                        {% for column in columns -%}
                        {{ relation }}.{{ column }}{{ ',' if not loop.last }}
                        {% endfor -%}
                    ) as hugeint
                )
            ) as string
        )
{%- endmacro %}

{#- a null leaves Spark's hash as it is, so that each value is hashed with its place -#}
{% macro spark___row_hash_sum(columns, relation) -%}
cast(
            sum(
                cast(
                    xxhash64(
                        {% for column in columns -%}
                        coalesce('{{ loop.index }}:' || cast({{ relation }}.{{ column }} as string), ''){{ ',' if not loop.last }}
                        {% endfor -%}
                    ) as decimal(38, 0)
                )
            ) as string
        )
{%- endmacro %}
