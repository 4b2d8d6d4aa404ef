{#- The specification of a call of survey_replicate_estimates: its arguments, and what follows from them for its steps.

    columns, domain: the `by` columns, and the internal names of the grouping set and of these
    replicates, used: numbers of the replicates; one with scale 0 enters neither the centre nor the variance
    scales: of each replicate
    counts, sums: names of what is only added up
    needs: what a row has to have (_sv_row_check)
-#}
{% macro _survey_replicate_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set replicates = range(1, spec.replicate_weights | length + 1) | list -%}
    {%- set scales = spec.rscales if spec.rscales is not none else [1] * (replicates | length) -%}
    {%- set used = [] -%}
    {%- set needs = [] -%}
    {%- for number in replicates -%}
        {%- do needs.append(('_sv_r' ~ number, 'finite')) -%}
        {%- if scales[number - 1] > 0 -%}
            {%- do used.append(number) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do spec.update({
        'columns': columns,
        'domain': ['_sv_set'] + prevalence._sv_keys(columns),
        'replicates': replicates,
        'scales': scales,
        'used': used,
        'counts': ['labeled', 'positive', 'below', 'not_share', 'invalid'],
        'sums': ['w', 'a', 'b', 'wyy', 'wyx', 'wxx', 'a2', 'a4'],
        'needs': needs,
        'lonely_psu': 'remove'
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
