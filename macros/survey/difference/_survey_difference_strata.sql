{#- CTEs made of _sv_members, down to _sv_designs: sums and moments per domain and stratum, through PSUs where there
are any, and beside them the stratum's design and the ratio of each period.

`spec`: _survey_difference_spec.sql
-#}
{% macro _survey_difference_strata(spec) -%}
{%- if spec.is_coordinated %}

{{ prevalence._sv_ordered_members(spec.variables, spec.domain + spec.strata + ['_sv_psu']) }}
{%- endif %}
{%- if spec.psu is not none %}

_sv_psus as (

    select
        {{ (spec.domain + spec.strata + ['_sv_psu']) | join(',\n        ') }},
        {%- for name in spec.counts + spec.sums + spec.variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        {%- if spec.is_coordinated %}
        {%- for left in spec.variables %}
        {%- for right in spec.variables[loop.index0:] %}
        {{ prevalence._sv_coordinated_product(left, right) }} as _sv_q{{ left }}{{ right }},
        {%- endfor %}
        {%- endfor %}
        {%- endif %}
        max(_sv_f) as _sv_f,
        min(_sv_population) as _sv_population,
        max(_sv_population) as _sv_population_maximum
    from {{ '_sv_ordered_members' if spec.is_coordinated else '_sv_members' }}
    group by {{ (spec.domain + spec.strata + ['_sv_psu']) | join(', ') }}

),
{%- endif %}

_sv_strata as (

    select
        {{ (spec.domain + spec.strata) | join(',\n        ') }},
        {%- for name in spec.counts + spec.sums + spec.variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        cast(count(*) as double) as _sv_psus,
        cast(count(_sv_a1) as double) as _sv_domain_psus,
        sum(case when _sv_labeled1 > 0 and _sv_labeled2 > 0 then 1 else 0 end) as _sv_overlap,
        max(_sv_f) as _sv_f,
        min(_sv_population) as _sv_population_minimum,
        max({{ '_sv_population' if spec.psu is none else '_sv_population_maximum' }}) as _sv_population_maximum,
        {%- for left in spec.variables %}
        {%- set outer = loop.index0 %}
        {%- for right in spec.variables[outer:] %}
        {% if spec.is_coordinated -%}
        sum(_sv_q{{ left }}{{ right }})
        {%- elif spec.design == 'poisson' -%}
        sum(_sv_f * _sv_{{ left }} * _sv_{{ right }})
        {%- else -%}
        covar_pop(_sv_{{ left }}, _sv_{{ right }}) * count(_sv_a1)
        {%- endif %} as _sv_m{{ left }}{{ right }}{{ ',' if not (loop.last and outer == 3) }}
        {%- endfor %}
        {%- endfor %}
    from {{ '_sv_members' if spec.psu is none else '_sv_psus' }}
    group by {{ (spec.domain + spec.strata) | join(', ') }}

),

_sv_designs as (

    select
        *,
        {{ prevalence._sv_of_design('max', '_sv_psus', spec.strata) }} as _sv_n,
        {{ prevalence._sv_of_design('max', '_sv_population_maximum', spec.strata) }} as _sv_n_population,
        {{ prevalence._sv_of_design('min', '_sv_population_minimum', spec.strata) }} as _sv_n_population_least,
        {{ prevalence._sv_of_design('max', '_sv_f', spec.strata) }} as _sv_f_most,
        {%- for number in [1, 2] %}
        {%- if spec.total %}
        cast(0 as double) as _sv_ratio{{ number }},
        {%- else %}
        sum(_sv_a{{ number }}) {{ spec.over_domain }} / nullif(sum(_sv_b{{ number }}) {{ spec.over_domain }}, 0)
            as _sv_ratio{{ number }},
        {%- endif %}
        {%- endfor %}
        case when _sv_domain_psus > 0 then 1 else 0 end as _sv_in_domain
    from _sv_strata

),
{%- endmacro %}
