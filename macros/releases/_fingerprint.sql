{#- Parts of the fingerprint of a set of rows, such as a release or what was drawn on a day: texts that are the same on every
engine and whatever the order of rows. -#}

{#- A figure as whole billionths: the last digits of a double differ between runs and engines. Null as 'null'. -#}
{% macro _figure_text(figure) -%}
    coalesce(cast(cast(round({{ figure }} * 1000000000) as bigint) as string), 'null')
{%- endmacro %}

{#- The sum over rows of 32 bits of the hash of a text. 2^31 rows fit a bigint. `salt` names the part. -#}
{% macro _hash_sum_text(text, salt) -%}
    cast(
        coalesce(sum(cast(floor({{ prevalence.hash_unit(text, salt) }} * 4294967296) as bigint)), 0) as string
    )
{%- endmacro %}

{#- The fingerprint of one row: the MD5 of its values, each ended by what no name holds. Values that are not text come as SQL that
makes them one. -#}
{% macro _row_fingerprint(values) -%}
    md5(
            {%- for value in values %}
            {{ "|| chr(31) || " if not loop.first }}coalesce(cast({{ value }} as string), chr(30))
            {%- endfor %}
        )
{%- endmacro %}

{#- The fingerprint of a figure: what readers are told, in whole billionths. effective_n follows from the figure and its standard
error. -#}
{% macro _figure_fingerprint() -%}
    md5(
            period_type || '|' || cast(period_start as string) || '|' || policy_id || '|' || unit_type
            || '|' || pivot_name || '|' || pivot_value || '|' || estimator || '|' || plan_id
            || '|' || label_protocol_id || '|' || coalesce(interval_method, 'null')
            || '|' || cast(sampled_units as string) || '|' || cast(positive_units as string)
            || '|' || {{ prevalence._figure_text('prevalence') }}
            || '|' || {{ prevalence._figure_text('std_error') }}
            || '|' || {{ prevalence._figure_text('interval_lower') }}
            || '|' || {{ prevalence._figure_text('interval_upper') }}
            || '|' || {{ prevalence._figure_text('interval_level') }}
        )
{%- endmacro %}

{#- A published row as one text, every column of the first version of the mart to the last bit. -#}
{% macro _release_row_text(relation=none) -%}
    {%- set columns = {
        'period_type': 'string', 'period_start': 'date', 'policy_id': 'string', 'unit_type': 'string', 'pivot_name': 'string',
        'pivot_value': 'string', 'estimator': 'string', 'prevalence': 'double', 'std_error': 'double',
        'interval_lower': 'double', 'interval_upper': 'double', 'interval_level': 'double', 'interval_method': 'string',
        'sampled_units': 'bigint', 'positive_units': 'bigint', 'effective_n': 'double', 'degrees_of_freedom': 'double',
        'release_status': 'string', 'release_id': 'string', 'label_protocol_id': 'string', 'plan_id': 'string',
    } -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- for name, data_type in columns.items() -%}
    {{ "|| '|' || " if not loop.first }}{{ prevalence._exact_text(prefix ~ name, data_type) }}
        {% endfor -%}
{%- endmacro %}
