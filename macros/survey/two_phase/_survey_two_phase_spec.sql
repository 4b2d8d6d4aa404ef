{#- The specification of a call of survey_two_phase_estimates: its arguments, and what follows from them for its steps.

    columns, domain: the `by` columns, and the internal names of the grouping set and of these
    sampled: the condition that a unit is in phase 2
    auxiliaries, auxiliary_names: expressions that phase 2 is calibrated to, and the names of their columns
    pairs: name, left and right of the products whose sums make up a variance; a: w y, b: w x, l: w judge
    linear: names of the sums themselves
    numbers: of the residuals: 0 with the ratio of experts alone, 1 with that of the estimate, b for w x itself
    needs: what a row has to have (_sv_row_check)
-#}
{% macro _survey_two_phase_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
    {%- set auxiliary_names = [] -%}
    {%- for expression in spec.phase_2_auxiliaries or [] -%}
        {%- do auxiliary_names.append('_sv_auxiliary_' ~ loop.index) -%}
    {%- endfor -%}
    {%- set pairs = [('aa', 'a', 'a'), ('ab', 'a', 'b'), ('bb', 'b', 'b')] -%}
    {%- set needs = [
        ('_sv_judge', 'finite_or_null'), ('_sv_stratum', 'known'), ('_sv_cell', 'known'),
        ('_sv_population', 'positive'), ('_sv_p2', 'probability')
    ] + ([('_sv_p1', 'probability')] if spec.phase_1_design == 'poisson' else []) -%}
    {%- for name in auxiliary_names -%}
        {%- do needs.append((name, 'finite')) -%}
    {%- endfor -%}
    {%- do spec.update({
        'columns': columns,
        'domain': domain,
        'over_domain': 'over (partition by ' ~ domain | join(', ') ~ ')',
        'is_poisson': spec.phase_2_design == 'poisson',
        'is_poisson_1': spec.phase_1_design == 'poisson',
        'is_independent': spec.phase_2_design == 'independent',
        'with_counted': spec.interval in prevalence._counted_kinds(),
        'numbers': [0, 1] + (['b'] if spec.interval in prevalence._counted_kinds() else []),
        'sampled': spec.phase_2_sampled if spec.phase_2_sampled is not none else '(' ~ spec.y ~ ') is not null',
        'auxiliaries': spec.phase_2_auxiliaries or [],
        'auxiliary_names': auxiliary_names,
        'pairs': pairs + ([('al', 'a', 'l'), ('ll', 'l', 'l')] if spec.judge is not none else []),
        'linear': ['a', 'b'] + (['l'] if spec.judge is not none else []),
        'needs': needs
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
