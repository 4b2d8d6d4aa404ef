{#- CTEs made of _sv_members, down to _sv_psus: sums per domain and PSU. Nothing where each row is its own PSU.

Rows of one random number are put in order first (_sv_ordered_members). With two stages rows are added up to second-stage
units before (_sv_ssus), and PSUs get what their second stage adds to the variance after (_sv_two_stage_psus).

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_psus(spec) -%}
{%- if spec.ssu is not none %}

_sv_ssus as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        _sv_ssu,
        {{ prevalence._sv_carried_sums(spec.carried, true) }}
        min(_sv_population_psus) as _sv_population_psus,
        max(_sv_population_psus) as _sv_population_psus_maximum,
        min(_sv_population_ssus) as _sv_population_ssus,
        max(_sv_population_ssus) as _sv_population_ssus_maximum,
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from _sv_members
    group by {{ (spec.domain + ['_sv_stratum', '_sv_psu', '_sv_ssu']) | join(', ') }}

),
{%- endif %}
{%- if spec.is_coordinated %}

{{ prevalence._sv_ordered_members(['a', 'b'], spec.domain + ['_sv_stratum', '_sv_psu']) }}
{%- endif %}
{%- if spec.psu is not none %}

_sv_psus as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        {{ prevalence._sv_carried_sums(spec.carried, spec.ssu is none) }}
        {%- if spec.population_psus is not none %}
        min(_sv_population_psus) as _sv_population_psus,
        max({{ '_sv_population_psus' if spec.ssu is none else '_sv_population_psus_maximum' }})
            as _sv_population_psus_maximum,
        {%- endif %}
        {%- if spec.with_probability %}
        max(_sv_f) as _sv_f,
        min(_sv_f) as _sv_f_minimum,
        {%- endif %}
        {%- if spec.is_coordinated %}
        {%- if spec.with_maximum %}
        -- what is certain to be drawn on one day cannot be missed
        case when min(_sv_f) > 0 then sum(_sv_missable) end as _sv_missable,
        {%- endif %}
        {%- for name, left, right in spec.pairs %}
        {{ prevalence._sv_coordinated_product(left, right) }} as _sv_q{{ name }},
        {%- endfor %}
        {%- endif %}
        {%- if spec.population_squared_probabilities is not none %}
        min(_sv_population_squares) as _sv_population_squares,
        max(_sv_population_squares) as _sv_population_squares_maximum,
        {%- endif %}
        {%- if spec.ssu is not none %}
        cast(count(*) as double) as _sv_ssus,
        cast(count(_sv_b) as double) as _sv_domain_ssus,
        min(_sv_population_ssus) as _sv_population_ssus,
        max(_sv_population_ssus_maximum) as _sv_population_ssus_maximum,
        {%- for name, left, right in spec.pairs %}
        {{ prevalence._sv_moment(left, right) }} as _sv_ssu_m{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from {{ '_sv_ordered_members' if spec.is_coordinated else '_sv_members' if spec.ssu is none else '_sv_ssus' }}
    group by {{ (spec.domain + ['_sv_stratum', '_sv_psu']) | join(', ') }}

),
{%- endif %}
{%- if spec.ssu is not none %}

_sv_psu_designs as (

    -- second stages of the whole sample: the row of the PSU without any domain
    select
        *,
        {%- set of_psu = ['_sv_stratum', '_sv_psu'] %}
        {{ prevalence._sv_of_design('max', '_sv_ssus', of_psu) }} as _sv_m,
        {{ prevalence._sv_of_design('max', '_sv_population_ssus_maximum', of_psu) }} as _sv_m_population,
        {{ prevalence._sv_of_design('min', '_sv_population_ssus', of_psu) }} as _sv_m_population_minimum
    from _sv_psus

),

_sv_two_stage_psus as (

    select
        *,
        case
            when _sv_m_population >= _sv_m * (1 - 1e-9) and _sv_m_population_minimum >= _sv_m_population * (1 - 1e-9)
                then 0
            else _sv_rows
        end as _sv_ssu_invalid_rows,
        case when _sv_m >= _sv_m_population * (1 - 1e-9) then 1 else 0 end as _sv_ssu_census,
        case when _sv_m = 1 and _sv_m < _sv_m_population * (1 - 1e-9) and _sv_labeled > 0 then 1 else 0 end
            as _sv_ssu_lonely,
        {%- for name, left, right in spec.pairs %}
        case
            when _sv_m >= _sv_m_population * (1 - 1e-9) or _sv_m = 1 then 0
            else
                (1 - _sv_m / nullif(_sv_m_population, 0)) * _sv_m / (_sv_m - 1)
                * (
                    _sv_ssu_m{{ name }}
                    + _sv_{{ left }} * _sv_{{ right }} * (1 / nullif(_sv_domain_ssus, 0) - 1 / _sv_m)
                )
        end as _sv_ssu_q{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_psu_designs

),
{%- endif %}
{%- endmacro %}
