{#- The specification of a call of survey_calibrated_estimates: its arguments, and what follows from them for its steps.

    columns, domain: the `by` columns, and the internal names of the grouping set and of these
    names: the columns of the margins' categories, or of the auxiliaries
    auxiliary_totals: known totals of the auxiliaries, in that order
    needs: what a row has to have (_sv_row_check)
-#}
{% macro _survey_calibrated_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set with_margins = spec.margins is not none -%}
    {%- set names = [] -%}
    {%- for one in (spec.margins if with_margins else spec.auxiliaries) -%}
        {%- do names.append(('_sv_margin_' if with_margins else '_sv_auxiliary_') ~ loop.index) -%}
    {%- endfor -%}
    {%- set needs = [
        ('_sv_stratum', 'known'), ('_sv_psu', 'known'), ('_sv_pi', 'probability'), ('_sv_population', 'positive')
    ] -%}
    {%- for name in names if not with_margins -%}
        {%- do needs.append((name, 'finite')) -%}
    {%- endfor -%}
    {%- do spec.update({
        'columns': columns,
        'domain': ['_sv_set'] + prevalence._sv_keys(columns),
        'with_margins': with_margins,
        'names': names,
        'auxiliary_totals': [] if with_margins else prevalence._sv_doubles(spec.auxiliaries.values()),
        'needs': needs,
        'zero_positive_bound': 'clopper_pearson'
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
