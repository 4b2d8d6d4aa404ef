{#- The specification of a call of survey_estimates: its arguments, and what follows from them for all of its steps.

    columns, domain: the `by` columns, and the internal names of the grouping set and of these
    pairs: name, left and right of the products whose sums make up a variance
    needs: what a row has to have (_sv_row_check)
    carried: sums that are only added up (_sv_carried)
    with_..., is_..., may_...: what the call takes; sums that only some calls need are not taken by the others, as wide
        aggregates are what an estimate costs
-#}
{% macro _survey_estimates_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set of_interval = prevalence._interval_kinds(['gamma'] + prevalence._counted_kinds())[spec.interval] -%}
    {%- do spec.update({
        'columns': columns,
        'domain': ['_sv_set'] + prevalence._sv_keys(columns),
        'pairs': [('aa', 'a', 'a'), ('ab', 'a', 'b'), ('bb', 'b', 'b')],
        'unit_x': spec.x | trim in ['1', '1.0'],
        'with_probability': spec.inclusion_probability is not none,
        'with_pairs': spec.joint_probabilities is not none,
        'is_coordinated': spec.design == 'coordinated_poisson',
        'with_positives': '_sv_positives_df' in of_interval or '_sv_effective_positives' in of_interval,
        'with_missed': '_sv_missed_share' in of_interval,
        'with_counted': spec.interval in prevalence._counted_kinds()
    }) -%}
    {%- do spec.update({
        'psus_have_probabilities': spec.with_probability and spec.psu is not none and not spec.is_coordinated,
        'with_stratum_check': spec.population_psus is not none or spec.population_squared_probabilities is not none
            or spec.with_pairs,
        'may_be_negative': spec.with_pairs
            or spec.variance_method in ['overton', 'overton_yates_grundy', 'hartley_rao'],
        'with_squares': spec.variance_method in ['overton_yates_grundy', 'hartley_rao'],
        'with_maximum': spec.with_missed or spec.zero_positive_bound == 'max_weight'
    }) -%}
    {%- do spec.update({'carried': prevalence._sv_carried(spec), 'needs': prevalence._sv_needs(spec)}) -%}
    {{ return(spec) }}
{%- endmacro %}

{% macro _sv_needs(spec) -%}
    {%- set needs = [('_sv_stratum', 'known')] -%}
    {%- for given, states in [
        (spec.psu, [('_sv_psu', 'known')]),
        (spec.ssu, [('_sv_ssu', 'known'), ('_sv_population_ssus', 'finite')]),
        (spec.inclusion_probability, [('_sv_pi', 'probability')]),
        (spec.population_psus, [('_sv_population_psus', 'finite')]),
        (
            spec.population_squared_probabilities,
            [('_sv_population_squares', 'positive'), ('_sv_population_squares', 'finite')]
        ),
        (spec.frame_maximum_weight, [('_sv_frame_maximum', 'finite')])
    ] if given is not none -%}
        {%- do needs.extend(states) -%}
    {%- endfor -%}
    {{ return(needs) }}
{%- endmacro %}
