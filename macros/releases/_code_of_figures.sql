{#- A hash of the SQL that makes figures of labels: of the estimators' macros, of models and of closed lists, and the level of intervals.
Figures that were stored under another one are computed again. What python_udfs computes is not in it: after a change there,
`dbt build --full-refresh --select est_unit_periods est_prevalence est_changes`. -#}
{% macro _code_of_figures() -%}
    {#- a unit test is given no graph, and nothing that is stored -#}
    {%- if not execute or model.resource_type != 'model' -%}
        {{ return('') }}
    {%- endif -%}
    {%- set texts = [var('interval_level') | string] -%}
    {%- for name, generator in prevalence.items() | sort(attribute='0') -%}
        {%- if generator.macro is defined and (generator.macro.original_file_path | replace('\\', '/')).startswith(
            ('macros/survey/', 'macros/engine/')
        ) -%}
            {%- do texts.append(generator.macro.macro_sql) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for kind, name in [
        ('model', 'est_unit_domains'), ('model', 'est_unit_periods'), ('model', 'est_prevalence'), ('model', 'est_changes'),
        ('seed', 'designs'), ('seed', 'pivots'), ('seed', 'periods')
    ] -%}
        {%- do texts.append(graph.nodes[kind ~ '.prevalence.' ~ name].checksum.checksum) -%}
    {%- endfor -%}
    {{ return(local_md5(texts | join('|'))) }}
{%- endmacro %}
