{#- First days of published periods, from the ledger as it is when the first day of a grid is recorded; the ledger itself is
built later, of periods that are cut by it. -#}
{% macro _published_period_starts() -%}
    {%- set ledger = adapter.get_relation(this.database, this.schema, 'release_ledger')
        if execute and flags.INTROSPECT -%}
    select distinct
        period_type,
        period_start
    from {% if ledger -%}
        {{ ledger }}
    {%- else -%}
        (select cast(null as string) as period_type, cast(null as date) as period_start) as nothing
    where 1 = 0
    {%- endif %}
{%- endmacro %}
