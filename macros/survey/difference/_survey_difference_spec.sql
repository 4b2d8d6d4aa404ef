{#- The specification of a call of survey_difference: its arguments, and what follows from them for its steps.

    columns, domain: the `by` columns, and the internal names of the grouping set and of these
    strata: the columns that name a stratum; independent periods have strata of their own
    variables: w y and w x of a PSU in either period
    both: the pairs of periods whose products are taken
    periods: the two values of `period` as SQL strings
    counts, sums: names of what is only added up
    needs: what a row has to have (_sv_row_check)
-#}
{% macro _survey_difference_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
    {%- do spec.update({
        'columns': columns,
        'domain': domain,
        'over_domain': 'over (partition by ' ~ domain | join(', ') ~ ')',
        'strata': ['_sv_stratum'] + (['_sv_period'] if spec.independent else []),
        'variables': ['a1', 'b1', 'a2', 'b2'],
        'both': [(1, 1), (1, 2), (2, 2)],
        'is_poisson': spec.design in ['poisson', 'coordinated_poisson'],
        'is_coordinated': spec.design == 'coordinated_poisson',
        'periods': [prevalence._sv_text(spec.from_period), prevalence._sv_text(spec.to_period)],
        'counts': ['rows', 'labeled1', 'labeled2', 'positive', 'invalid'],
        'sums': ['w1', 'w2', 'wyy1', 'wyx1', 'wxx1', 'wyy2', 'wyx2', 'wxx2'],
        'needs': [('_sv_stratum', 'known')] + ([('_sv_psu', 'known')] if spec.psu is not none else [])
            + [('_sv_pi', 'probability'), ('_sv_population', 'positive')],
        'zero_positive_bound': 'clopper_pearson'
    }) -%}
    {{ return(spec) }}
{%- endmacro %}

{#- A value as an SQL string; one that is quoted already stays as it is. -#}
{% macro _sv_text(value) -%}
    {%- set text = value | string -%}
    {%- if text[0] == "'" and text[-1] == "'" and text | length > 1 -%}
    {{ return(text) }}
    {%- else -%}
    {{ return("'" ~ text | replace("'", "''") ~ "'") }}
    {%- endif -%}
{%- endmacro %}
