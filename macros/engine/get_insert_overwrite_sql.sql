{#- How Spark replaces the day of a microbatch: a static partition, because a dynamic one, as dbt-spark has it, would keep
the old rows of a day that has none any more; which is what a model is for that keeps days whose logs are gone. A row of another day would be written under a wrong date, so it stops the
batch.

It stands in for the macro of dbt-spark with the same name, because dbt looks names up in the root project first; a project
that installs this one as a package calls it from a macro of its own with this name (docs/spark.md).

Outside microbatch: the partitions that the rows belong to, as dbt-spark has it. Arguments are dbt-spark's. -#}
{% macro get_insert_overwrite_sql(source_relation, target_relation, existing_relation) -%}
    {%- set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='column') | list -%}
    {%- set partition = config.get('partition_by') -%}
    {%- if model.batch -%}
        {%- if partition is not string -%}
            {{ exceptions.raise_compiler_error(
                "Model " ~ model.name ~ " is built by days and needs a single column as partition_by, not "
                ~ partition ~ ". Remedy: prevalence._daily(event_time, day)."
            ) }}
        {%- endif -%}
        {%- set day = model.batch.event_time_start.strftime('%Y-%m-%d') -%}
        {#- of a day that is kept the batch has no row, and a dynamic partition leaves it -#}
        {%- set keeps_days = (config.get('meta') or {}).get('keeps_days', false) -%}
    insert overwrite table {{ target_relation }}
    partition ({{ partition if keeps_days else partition ~ " = '" ~ day ~ "'" }})
    select {{ columns | reject('equalto', partition) | join(', ') }}{{ ', ' ~ partition if keeps_days }}
    from {{ source_relation }}
    where
        assert_true(
            cast({{ partition }} as date) = date '{{ day }}',
            'Model {{ model.name }}: a row of another day in the batch of {{ day }}'
        ) is null
    {%- else -%}
    insert overwrite table {{ target_relation }}
    {{ partition_cols(label='partition') }}
    select {{ columns | join(', ') }}
    from {{ source_relation }}
    {%- endif -%}
{%- endmacro %}
