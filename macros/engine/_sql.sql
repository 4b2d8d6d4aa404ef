{#- Small expressions that engines spell differently. Each dispatches; `default__` raises. -#}

{% macro _refuse_engine(name) -%}
    {{ exceptions.raise_compiler_error(name ~ " has no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{#- Bytes of a string in UTF-8. -#}
{% macro _octet_length(text) -%}
    {{ return(adapter.dispatch('_octet_length', 'prevalence')(text)) }}
{%- endmacro %}
{% macro default___octet_length(text) -%}{{ prevalence._refuse_engine('_octet_length') }}{%- endmacro %}
{% macro duckdb___octet_length(text) -%}strlen({{ text }}){%- endmacro %}
{% macro spark___octet_length(text) -%}octet_length({{ text }}){%- endmacro %}

{#- SHA-256 of a string as 64 lower-case hex digits. -#}
{% macro _sha256(text) -%}
    {{ return(adapter.dispatch('_sha256', 'prevalence')(text)) }}
{%- endmacro %}
{% macro default___sha256(text) -%}{{ prevalence._refuse_engine('_sha256') }}{%- endmacro %}
{% macro duckdb___sha256(text) -%}sha256({{ text }}){%- endmacro %}
{% macro spark___sha256(text) -%}sha2({{ text }}, 256){%- endmacro %}

{#- A string as a JSON string literal; null as null. -#}
{% macro _json_string(text) -%}
    {{ return(adapter.dispatch('_json_string', 'prevalence')(text)) }}
{%- endmacro %}
{% macro default___json_string(text) -%}{{ prevalence._refuse_engine('_json_string') }}{%- endmacro %}
{% macro duckdb___json_string(text) -%}coalesce(cast(to_json({{ text }}) as string), 'null'){%- endmacro %}
{% macro spark___json_string(text) -%}
    case
        when {{ text }} is null then 'null'
        else substr(to_json(named_struct('v', {{ text }})), 6, length(to_json(named_struct('v', {{ text }}))) - 6)
    end
{%- endmacro %}

{#- Strings of a group joined in a stated order. -#}
{% macro _string_agg(text, separator, order_by) -%}
    {{ return(adapter.dispatch('_string_agg', 'prevalence')(text, separator, order_by)) }}
{%- endmacro %}
{% macro default___string_agg(text, separator, order_by) -%}{{ prevalence._refuse_engine('_string_agg') }}{%- endmacro %}
{% macro duckdb___string_agg(text, separator, order_by) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark___string_agg(text, separator, order_by) -%}
    array_join(
        transform(
            array_sort(collect_list(named_struct('k', {{ order_by }}, 'v', {{ text }}))),
            pair -> pair.v
        ),
        '{{ separator }}'
    )
{%- endmacro %}

{#- The first day of a date's calendar week (Monday), as a date. -#}
{% macro _week_start(day) -%}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}

{#- A date some days later, as a date. `days` is an integer literal or expression. -#}
{% macro _add_days(day, days) -%}
    {{ return(adapter.dispatch('_add_days', 'prevalence')(day, days)) }}
{%- endmacro %}
{% macro default___add_days(day, days) -%}{{ prevalence._refuse_engine('_add_days') }}{%- endmacro %}
{% macro duckdb___add_days(day, days) -%}cast({{ day }} + cast({{ days }} as integer) as date){%- endmacro %}
{% macro spark___add_days(day, days) -%}date_add({{ day }}, cast({{ days }} as int)){%- endmacro %}

{#- Whole days from one date to another. -#}
{% macro _days_between(earlier, later) -%}
    {{ return(adapter.dispatch('_days_between', 'prevalence')(earlier, later)) }}
{%- endmacro %}
{% macro default___days_between(earlier, later) -%}{{ prevalence._refuse_engine('_days_between') }}{%- endmacro %}
{% macro duckdb___days_between(earlier, later) -%}date_diff('day', {{ earlier }}, {{ later }}){%- endmacro %}
{% macro spark___days_between(earlier, later) -%}datediff({{ later }}, {{ earlier }}){%- endmacro %}

{#- The start of a day plus some hours, as a timestamp. `hours` is an integer literal. -#}
{% macro _day_plus_hours(day, hours) -%}
    (cast({{ day }} as timestamp) + interval '{{ hours }}' hour)
{%- endmacro %}

{#- A time as its microseconds since 1970: engines write times differently. -#}
{% macro _exact_time(moment) -%}
    {{ return(adapter.dispatch('_exact_time', 'prevalence')(moment)) }}
{%- endmacro %}
{% macro default___exact_time(moment) -%}{{ prevalence._refuse_engine('_exact_time') }}{%- endmacro %}
{% macro duckdb___exact_time(moment) -%}epoch_us({{ moment }}){%- endmacro %}
{% macro spark___exact_time(moment) -%}unix_micros(cast({{ moment }} as timestamp)){%- endmacro %}
