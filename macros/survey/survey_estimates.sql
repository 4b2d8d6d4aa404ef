{#- Design-based estimates, variances and intervals of a mean, share, ratio or total, for any number of domains.

Everything is a quadratic form in sums that can be taken in one scan, because the residual y - R x is linear in y and
x: the rows are grouped once, by all grouping sets, into strata (through PSUs, where there are any), and the ratio R
enters afterwards. Moments within strata are the engine's own variances and covariances, which do not cancel as raw
sums of squares would. PSUs without a unit of the domain add nothing to the moments and are in the count, so they need
no rows. Each CTE is read once, so engines that inline CTEs scan the rows once, too.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_estimates(
        relation=ref('fct_unit_labels'), y='is_violating * exposure', x='exposure',
        design='poisson', inclusion_probability='inclusion_probability', by=[[], ['country']]
    ) }}
-#}
{% macro survey_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail',
    ssu=none,
    population_ssus=none,
    zero_positive_bound='clopper_pearson',
    frame_maximum_weight=none,
    missed_weight=none,
    variance_method='brewer',
    population_squared_probabilities=none,
    joint_probabilities=none,
    lonely_psu_in_domain=false
) -%}
{{ prevalence._check_survey_estimates(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, by, total, interval, level, lonely_psu,
    ssu, population_ssus, zero_positive_bound, frame_maximum_weight, missed_weight, variance_method,
    population_squared_probabilities, joint_probabilities, lonely_psu_in_domain
) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set pairs = [('aa', 'a', 'a'), ('ab', 'a', 'b'), ('bb', 'b', 'b')] -%}
{%- set with_probability = inclusion_probability is not none -%}
{%- set with_pairs = joint_probabilities is not none -%}
{#- rows of one PSU are drawn by one random number, each with a probability of its own -#}
{%- set is_coordinated = design == 'coordinated_poisson' -%}
{%- set psus_have_probabilities = with_probability and psu is not none and not is_coordinated -%}
{%- set with_stratum_check = population_psus is not none or population_squared_probabilities is not none or with_pairs -%}
{#- the other forms are sums of squares -#}
{%- set may_be_negative = with_pairs or variance_method in ['overton', 'overton_yates_grundy', 'hartley_rao'] -%}
{#- the sum of plain squares, beside that of squares times 1 - probability -#}
{%- set with_squares = variance_method in ['overton_yates_grundy', 'hartley_rao'] -%}
{#- sums that only some calls need are not taken by the others: wide aggregates are what an estimate costs -#}
{%- set interval_arguments = prevalence._interval_kinds(true)[interval] -%}
{%- set with_positives = '_sv_positives_df' in interval_arguments or '_sv_effective_positives' in interval_arguments -%}
{%- set with_missed = '_sv_missed_share' in interval_arguments -%}
{%- set with_maximum = with_missed or zero_positive_bound == 'max_weight' -%}
{%- set unit_x = x | trim in ['1', '1.0'] -%}
{%- set carried = prevalence._sv_carried(
    unit_x, total, with_maximum and frame_maximum_weight is not none, with_missed, with_missed and missed_weight is not none,
    is_coordinated
) -%}
with

_sv_source as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        cast(({{ y }}) as double) as _sv_y,
        cast(({{ x }}) as double) as _sv_x,
        cast(({{ weight }}) as double) as _sv_w,
        {%- if psu is not none %}
        {{ psu }} as _sv_psu,
        {%- endif %}
        {%- if ssu is not none %}
        {{ ssu }} as _sv_ssu,
        cast(({{ population_ssus }}) as double) as _sv_population_ssus,
        {%- endif %}
        {%- if with_probability %}
        cast(({{ inclusion_probability }}) as double) as _sv_pi,
        {%- endif %}
        {%- if population_psus is not none %}
        cast(({{ population_psus }}) as double) as _sv_population_psus,
        {%- endif %}
        {%- if population_squared_probabilities is not none %}
        cast(({{ population_squared_probabilities }}) as double) as _sv_population_squares,
        {%- endif %}
        {%- if frame_maximum_weight is not none %}
        cast(({{ frame_maximum_weight }}) as double) as _sv_frame_maximum,
        {%- endif %}
        {%- if missed_weight is not none %}
        cast(({{ missed_weight }}) as double) as _sv_missed,
        {%- endif %}
        {{ stratum if stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum
    from {{ relation }}

),

_sv_values as (

    -- a row without y is outside the domain of labeled units: it is counted, and adds to no sum
    select
        {%- for column in columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        _sv_stratum,
        {%- if psu is not none %}
        _sv_psu,
        {%- endif %}
        {%- if ssu is not none %}
        _sv_ssu,
        _sv_population_ssus,
        {%- endif %}
        {%- if population_psus is not none %}
        _sv_population_psus,
        {%- endif %}
        {%- if population_squared_probabilities is not none %}
        _sv_population_squares,
        {%- endif %}
        {%- if with_probability %}
        -- an unknown probability counts as 0, which can only make the variance of the other domains larger
        case when _sv_pi > 0 and _sv_pi <= 1 then 1 - _sv_pi else 1 end as _sv_f,
        {%- endif %}
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w{{ '' if unit_x else ' * _sv_x' }} end as _sv_b,
        _sv_w * _sv_y * _sv_y as _sv_wyy,
        {%- if 'w' in carried %}
        case when _sv_y is not null then _sv_w end as _sv_w,
        {%- endif %}
        {%- if 'wxx' in carried %}
        _sv_w * _sv_y * _sv_x as _sv_wyx,
        case when _sv_y is not null then _sv_w * _sv_x * _sv_x end as _sv_wxx,
        {%- endif %}
        {%- if with_missed %}
        {% if with_probability -%}
        case when _sv_y > 0 and _sv_pi = 1 then _sv_w * _sv_y else 0 end
        {%- else -%}
        cast(0 as double)
        {%- endif %} as _sv_certain,
        {%- endif %}
        {%- if with_maximum and with_probability %}
        -- a unit that is taken with certainty cannot be missed
        case when _sv_y is not null and _sv_pi < 1 then _sv_w * _sv_x end as _sv_missable,
        {%- endif %}
        {%- if missed_weight is not none %}
        _sv_missed,
        {%- endif %}
        {%- if frame_maximum_weight is not none %}
        _sv_frame_maximum,
        {%- endif %}
        _sv_y,
        case when _sv_y > 0 then 1 end as _sv_positive,
        {%- if not total %}
        -- 0 where y is all of x, 1 where it is less, 2 where it is no share of x
        case when _sv_y < 0 or _sv_y > _sv_x then 2 when _sv_y < _sv_x then 1 when _sv_y = _sv_x then 0 end
            as _sv_shortfall,
        {%- endif %}
        case
            when
                {{ prevalence._is_finite('_sv_w') }}
                and _sv_w > 0
                and {{ prevalence._is_finite('_sv_x') }}
                and (_sv_y is null or {{ prevalence._is_finite('_sv_y') }})
                and _sv_stratum is not null
                {%- if psu is not none %}
                and _sv_psu is not null
                {%- endif %}
                {%- if ssu is not none %}
                and _sv_ssu is not null
                and {{ prevalence._is_finite('_sv_population_ssus') }}
                {%- endif %}
                {%- if with_probability %}
                and _sv_pi > 0
                and _sv_pi <= 1
                {%- endif %}
                {%- if population_psus is not none %}
                and {{ prevalence._is_finite('_sv_population_psus') }}
                {%- endif %}
                {%- if population_squared_probabilities is not none %}
                and _sv_population_squares > 0
                and {{ prevalence._is_finite('_sv_population_squares') }}
                {%- endif %}
                {%- if frame_maximum_weight is not none %}
                and {{ prevalence._is_finite('_sv_frame_maximum') }}
                {%- endif %}
                then null
            else 1
        end as _sv_invalid
    from _sv_source

),

{{ prevalence._sv_members('_sv_values', by, columns) }}
{%- if ssu is not none %}

_sv_ssus as (

    select
        {{ domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        _sv_ssu,
        {{ prevalence._sv_carried_sums(carried, true) }}
        min(_sv_population_psus) as _sv_population_psus,
        max(_sv_population_psus) as _sv_population_psus_maximum,
        min(_sv_population_ssus) as _sv_population_ssus,
        max(_sv_population_ssus) as _sv_population_ssus_maximum,
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from _sv_members
    group by {{ (domain + ['_sv_stratum', '_sv_psu', '_sv_ssu']) | join(', ') }}

),
{%- endif %}
{%- if is_coordinated %}

_sv_ordered_members as (

    -- rows of a PSU from the smallest probability to the largest: a unit that is drawn with the smaller one is drawn
    -- with the larger one, too
    select
        *,
        {%- for name in ['a', 'b'] %}
        coalesce(
            sum(_sv_{{ name }}) over (
                partition by {{ (domain + ['_sv_stratum', '_sv_psu']) | join(', ') }}
                order by _sv_f desc
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as _sv_before_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_members

),
{%- endif %}
{%- if psu is not none %}

_sv_psus as (

    select
        {{ domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        {{ prevalence._sv_carried_sums(carried, ssu is none) }}
        {%- if population_psus is not none %}
        min(_sv_population_psus) as _sv_population_psus,
        max({{ '_sv_population_psus' if ssu is none else '_sv_population_psus_maximum' }})
            as _sv_population_psus_maximum,
        {%- endif %}
        {%- if with_probability %}
        max(_sv_f) as _sv_f,
        min(_sv_f) as _sv_f_minimum,
        {%- endif %}
        {%- if is_coordinated %}
        {%- if with_maximum %}
        -- what is certain to be drawn on one day cannot be missed
        case when min(_sv_f) > 0 then sum(_sv_missable) end as _sv_missable,
        {%- endif %}
        {%- for name, left, right in pairs %}
        sum(
            _sv_f * (
                _sv_{{ left }} * _sv_{{ right }}
                + _sv_{{ left }} * _sv_before_{{ right }}
                + _sv_{{ right }} * _sv_before_{{ left }}
            )
        ) as _sv_q{{ name }},
        {%- endfor %}
        {%- endif %}
        {%- if population_squared_probabilities is not none %}
        min(_sv_population_squares) as _sv_population_squares,
        max(_sv_population_squares) as _sv_population_squares_maximum,
        {%- endif %}
        {%- if ssu is not none %}
        cast(count(*) as double) as _sv_ssus,
        cast(count(_sv_b) as double) as _sv_domain_ssus,
        min(_sv_population_ssus) as _sv_population_ssus,
        max(_sv_population_ssus_maximum) as _sv_population_ssus_maximum,
        {%- for name, left, right in pairs %}
        {{ prevalence._sv_moment(left, right) }} as _sv_ssu_m{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from {{ '_sv_ordered_members' if is_coordinated else '_sv_members' if ssu is none else '_sv_ssus' }}
    group by {{ (domain + ['_sv_stratum', '_sv_psu']) | join(', ') }}

),
{%- endif %}
{%- if ssu is not none %}

_sv_psu_designs as (

    -- second stages of the whole sample: the row of the PSU without any domain
    select
        *,
        max(case when _sv_set = 0 then _sv_ssus end) over (partition by _sv_stratum, _sv_psu) as _sv_m,
        max(case when _sv_set = 0 then _sv_population_ssus_maximum end) over (
            partition by _sv_stratum, _sv_psu
        ) as _sv_m_population,
        min(case when _sv_set = 0 then _sv_population_ssus end) over (
            partition by _sv_stratum, _sv_psu
        ) as _sv_m_population_minimum
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
        {%- for name, left, right in pairs %}
        case
            when _sv_m >= _sv_m_population * (1 - 1e-9) or _sv_m = 1 then 0
            else
                (1 - _sv_m / nullif(_sv_m_population, 0)) * _sv_m / (_sv_m - 1)
                * (_sv_ssu_m{{ name }} + _sv_{{ left }} * _sv_{{ right }} * (1 / nullif(_sv_domain_ssus, 0) - 1 / _sv_m))
        end as _sv_ssu_q{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_psu_designs

),
{%- endif %}

{%- if with_pairs %}

{{ prevalence._sv_pairs(joint_probabilities, domain, variance_method) }}
{%- endif %}

_sv_strata as (

    -- `rows` of this step are PSUs; without PSUs they are the sampled units themselves
    select
        {{ domain | join(',\n        ') }},
        _sv_stratum,
        cast(count(*) as double) as _sv_psus,
        cast(count(_sv_b) as double) as _sv_domain_psus,
        {%- if with_maximum %}
        max({{ '_sv_missable' if with_probability and not psus_have_probabilities else '_sv_b' }}) as _sv_b_maximum,
        {%- endif %}
        {%- if with_positives %}
        -- what is found together counts once: over the PSUs, where there are any
        sum(case when _sv_a > 0 then power(_sv_a, 2) end) as _sv_a2,
        sum(case when _sv_a > 0 then power(_sv_a, 4) end) as _sv_a4,
        {%- endif %}
        {{ prevalence._sv_carried_sums(carried, psu is none) }}
        {%- if population_psus is not none %}
        min(_sv_population_psus) as _sv_population_minimum,
        max({{ '_sv_population_psus' if psu is none else '_sv_population_psus_maximum' }}) as _sv_population_maximum,
        {%- endif %}
        {%- if psus_have_probabilities %}
        sum(case when _sv_f - _sv_f_minimum > 1e-9 then _sv_rows else 0 end) as _sv_probability_invalid_rows,
        {%- endif %}
        {%- if with_pairs %}
        sum(_sv_missing_pairs) as _sv_missing_pairs,
        {%- endif %}
        {%- if population_squared_probabilities is not none %}
        min(_sv_population_squares) as _sv_population_squares,
        max({{ '_sv_population_squares' if psu is none else '_sv_population_squares_maximum' }})
            as _sv_population_squares_maximum,
        {%- endif %}
        {%- if design == 'pps_without_replacement' %}
        {%- if variance_method == 'deville' %}
        sum(_sv_f * _sv_f) as _sv_ff,
        {%- endif %}
        {%- if with_squares %}
        {%- for name, left, right in pairs %}
        sum(_sv_{{ left }} * _sv_{{ right }}) as _sv_s{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_f) as _sv_f,
        sum(case when _sv_b is not null then _sv_f end) as _sv_domain_f,
        sum(_sv_f * _sv_a) as _sv_fa,
        sum(_sv_f * _sv_b) as _sv_fb,
        {%- endif %}
        {%- if with_probability %}
        max(_sv_f) as _sv_f_maximum,
        {%- for name, left, right in pairs %}
        {% if is_coordinated -%}
        sum(_sv_q{{ name }})
        {%- else -%}
        sum({{ '_sv_square_factor' if with_pairs else '_sv_f' }} * _sv_{{ left }} * _sv_{{ right }})
        {%- endif %} as _sv_f{{ name }},
        {%- endfor %}
        {%- else %}
        {%- for name, left, right in pairs %}
        {{ prevalence._sv_moment(left, right) }} as _sv_m{{ name }},
        {%- endfor %}
        {%- endif %}
        {%- if ssu is not none %}
        sum(_sv_ssu_invalid_rows) as _sv_ssu_invalid_rows,
        min(_sv_ssu_census) as _sv_ssu_census,
        max(_sv_ssu_lonely) as _sv_ssu_lonely,
        {%- for name, left, right in pairs %}
        sum(_sv_ssu_q{{ name }}) as _sv_ssu_q{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from {{ '_sv_members' if psu is none
        else '_sv_two_stage_psus' if ssu is not none else '_sv_paired_psus' if with_pairs else '_sv_psus' }}
    group by {{ (domain + ['_sv_stratum']) | join(', ') }}

),

{%- if with_pairs %}

_sv_paired_strata as (

    select
        _sv_strata.*,
        _sv_pair_sums._sv_paa,
        _sv_pair_sums._sv_pab,
        _sv_pair_sums._sv_pbb
    from _sv_strata
    left join _sv_pair_sums
        on
            _sv_strata._sv_stratum = _sv_pair_sums._sv_stratum
            {%- for column in domain %}
            and _sv_strata.{{ column }} is not distinct from _sv_pair_sums.{{ column }}
            {%- endfor %}

),
{%- endif %}

_sv_designs as (

    -- the stratum's design is the whole sample's, never the domain's: the row of the stratum without any domain
    select
        *,
        max(case when _sv_set = 0 then _sv_psus end) over (partition by _sv_stratum) as _sv_n,
        {%- if population_psus is not none %}
        max(case when _sv_set = 0 then _sv_population_maximum end) over (partition by _sv_stratum)
            as _sv_population,
        min(case when _sv_set = 0 then _sv_population_minimum end) over (partition by _sv_stratum)
            as _sv_population_least,
        {%- endif %}
        {%- if with_probability %}
        max(case when _sv_set = 0 then _sv_f_maximum end) over (partition by _sv_stratum) as _sv_f_most,
        {%- endif %}
        {%- if design == 'pps_without_replacement' %}
        max(case when _sv_set = 0 then _sv_f end) over (partition by _sv_stratum) as _sv_f_design,
        {%- endif %}
        {%- if variance_method == 'deville' %}
        max(case when _sv_set = 0 then _sv_ff end) over (partition by _sv_stratum) as _sv_ff_design,
        {%- endif %}
        {%- if population_squared_probabilities is not none %}
        max(case when _sv_set = 0 then _sv_population_squares end) over (partition by _sv_stratum)
            as _sv_squares_design,
        max(case when _sv_set = 0 then _sv_population_squares_maximum end) over (partition by _sv_stratum)
            as _sv_squares_design_maximum,
        {%- endif %}
        {%- if with_pairs %}
        max(case when _sv_set = 0 then _sv_missing_pairs end) over (partition by _sv_stratum) as _sv_incomplete_pairs,
        {%- endif %}
        {% if total -%}
        cast(0 as double)
        {%- else -%}
        sum(_sv_a) over (partition by {{ domain | join(', ') }})
        / nullif(sum(_sv_b) over (partition by {{ domain | join(', ') }}), 0)
        {%- endif %} as _sv_ratio
    from {{ '_sv_paired_strata' if with_pairs else '_sv_strata' }}

),

_sv_scores as (

    -- moments of the residual y - R x, from those of y and x
    select
        *,
        {%- if population_psus is not none %}
        case
            when _sv_population >= _sv_n * (1 - 1e-9) and _sv_population_least >= _sv_population * (1 - 1e-9) then 0
            else _sv_rows
        end as _sv_population_invalid_rows,
        case when _sv_n >= _sv_population * (1 - 1e-9) then 1 else 0 end as _sv_census,
        1 - _sv_n / nullif(_sv_population, 0) as _sv_unsampled_share,
        {%- elif with_probability %}
        {%- if population_squared_probabilities is not none %}
        case when _sv_squares_design_maximum <= _sv_squares_design * (1 + 1e-9) then 0 else _sv_rows end
            as _sv_population_invalid_rows,
        {%- elif with_pairs %}
        case when _sv_incomplete_pairs = 0 then 0 else _sv_rows end as _sv_population_invalid_rows,
        {%- endif %}
        case when _sv_f_most = 0 then 1 else 0 end as _sv_census,
        cast(1 as double) as _sv_unsampled_share,
        {%- else %}
        0 as _sv_census,
        cast(1 as double) as _sv_unsampled_share,
        {%- endif %}
        _sv_a - _sv_ratio * _sv_b as _sv_z,
        {%- set form = 'f' if with_probability else 'm' %}
        {%- if design == 'pps_without_replacement' %}
        _sv_fa - _sv_ratio * _sv_fb as _sv_fz,
        {%- endif %}
        {%- if with_squares %}
        _sv_saa - 2 * _sv_ratio * _sv_sab + _sv_ratio * _sv_ratio * _sv_sbb as _sv_squares,
        {%- endif %}
        {%- if with_pairs %}
        coalesce(_sv_paa - 2 * _sv_ratio * _sv_pab + _sv_ratio * _sv_ratio * _sv_pbb, 0) as _sv_products,
        {%- endif %}
        _sv_{{ form }}aa + _sv_ratio * _sv_ratio * _sv_{{ form }}bb as _sv_zz_scale,
        _sv_{{ form }}aa - 2 * _sv_ratio * _sv_{{ form }}ab + _sv_ratio * _sv_ratio * _sv_{{ form }}bb as _sv_zz,
        {%- if ssu is not none %}
        _sv_ssu_qaa + _sv_ratio * _sv_ratio * _sv_ssu_qbb as _sv_ssu_zz_scale,
        _sv_ssu_qaa - 2 * _sv_ratio * _sv_ssu_qab + _sv_ratio * _sv_ratio * _sv_ssu_qbb as _sv_ssu_zz,
        {%- endif %}
        {%- if lonely_psu == 'adjust' %}
        sum(case when _sv_domain_psus > 0 then _sv_n end) over (partition by {{ domain | join(', ') }})
            as _sv_all_psus,
        sum(_sv_a - _sv_ratio * _sv_b) over (partition by {{ domain | join(', ') }}) as _sv_all_z,
        {%- endif %}
        case when _sv_domain_psus > 0 then 1 else 0 end as _sv_in_domain
    from _sv_designs

),

_sv_terms as (

    -- what each stratum adds to the variance; differences below 1e-12 of what they are taken from are rounding
    select
        *,
        {%- if design in ['poisson', 'coordinated_poisson'] %}
        0 as _sv_lonely,
        case when _sv_zz > 1e-12 * _sv_zz_scale then _sv_zz else 0 end as _sv_term,
        {%- elif design == 'pps_without_replacement' %}
        {%- set lonely = '_sv_census = 0 and _sv_n = 1' %}
        {%- if variance_method == 'deville' %}
        -- one PSU that could have stayed out has no spread, however many were certain to be in
        {%- set lonely = '_sv_census = 0 and _sv_ff_design >= _sv_f_design * _sv_f_design * (1 - 1e-12)' %}
        {%- endif %}
        case when {{ lonely }} then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when not ({{ lonely }})
                then
                    {{ prevalence._sv_unequal_term(variance_method) }}
            {{ prevalence._sv_lonely_term(lonely_psu) }}
        end as _sv_term,
        {%- else %}
        {%- set lonely = '(_sv_n = 1 or _sv_domain_psus = 1)' if lonely_psu_in_domain else '_sv_n = 1' %}
        case when {{ lonely }} and _sv_census = 0 then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when not {{ lonely }}
                then
                    _sv_unsampled_share * _sv_n / (_sv_n - 1) * (
                        case when _sv_zz > 1e-12 * _sv_zz_scale then _sv_zz else 0 end
                        + power(_sv_z, 2) * (1 / nullif(_sv_domain_psus, 0) - 1 / _sv_n)
                    )
            {{ prevalence._sv_lonely_term(lonely_psu) }}
        end as _sv_term,
        {%- endif %}
        {%- if ssu is not none %}
        (1 - _sv_unsampled_share) * case
            when _sv_ssu_zz > 1e-12 * _sv_ssu_zz_scale then _sv_ssu_zz else 0
        end as _sv_ssu_term,
        {%- endif %}
        1 - _sv_in_domain as _sv_outside
    from _sv_scores

),

_sv_domains as (

    select
        {{ domain | join(',\n        ') }},
        {{ prevalence._sv_carried_sums(carried, false) }}
        {%- if with_maximum %}
        greatest(
            max(_sv_b_maximum), {{ 'max(_sv_frame_maximum)' if 'frame_maximum' in carried else 'cast(0 as double)' }}
        ) as _sv_maximum,
        {%- endif %}
        {%- if with_positives %}
        sum(_sv_a2) as _sv_a2,
        sum(_sv_a4) as _sv_a4,
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b,
        {%- if with_stratum_check %}
        sum(_sv_population_invalid_rows) as _sv_population_invalid_rows,
        {%- endif %}
        {%- if ssu is not none %}
        sum(_sv_ssu_invalid_rows) as _sv_ssu_invalid_rows,
        {%- endif %}
        {%- if psus_have_probabilities %}
        sum(_sv_probability_invalid_rows) as _sv_probability_invalid_rows,
        {%- endif %}
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(_sv_in_domain) as _sv_domain_strata,
        sum(_sv_lonely * _sv_in_domain) as _sv_lonely_psus,
        {%- if ssu is not none %}
        sum(_sv_ssu_lonely * _sv_in_domain) as _sv_lonely_ssus,
        min(case when _sv_in_domain = 1 then _sv_census * _sv_ssu_census end) as _sv_census,
        {%- else %}
        cast(0 as bigint) as _sv_lonely_ssus,
        min(case when _sv_in_domain = 1 then _sv_census end) as _sv_census,
        {%- endif %}
        sum(case when _sv_in_domain = 1 then _sv_term end)
        {%- if ssu is not none %}
        + sum(case when _sv_in_domain = 1 then _sv_ssu_term end)
        {%- endif %} as _sv_terms
    from _sv_terms
    group by {{ domain | join(', ') }}

),

_sv_spreads as (

    {%- set sum_w = '_sv_w' if 'w' in carried else '_sv_b' %}
    select
        *,
        {% if total -%}
        _sv_wyy as _sv_spread_scale,
        _sv_wyy - _sv_a * _sv_a / nullif({{ sum_w }}, 0) as _sv_spread
        {%- else -%}
        {%- set wyx, wxx = ('_sv_a', '_sv_b') if unit_x else ('_sv_wyx', '_sv_wxx') -%}
        _sv_wyy + power(_sv_a / nullif(_sv_b, 0), 2) * {{ wxx }} as _sv_spread_scale,
        _sv_wyy - 2 * _sv_a / nullif(_sv_b, 0) * {{ wyx }} + power(_sv_a / nullif(_sv_b, 0), 2) * {{ wxx }}
            as _sv_spread
        {%- endif %},
        {% if lonely_psu == 'fail' -%}
        case when _sv_lonely_psus + _sv_lonely_ssus = 0 then _sv_terms end
        {%- elif lonely_psu == 'average' -%}
        _sv_terms * _sv_domain_strata / nullif(_sv_domain_strata - _sv_lonely_psus, 0)
        {%- else -%}
        _sv_terms
        {%- endif %} as _sv_all_terms
    from _sv_domains

),

_sv_moments as (

    -- the names that the last steps, shared by all estimators, work on
    select
        {{ domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        {%- if total %}
        1 as _sv_not_share,
        false as _sv_is_none,
        false as _sv_is_all,
        {%- else %}
        case when _sv_shortfall = 2 then 1 else 0 end as _sv_not_share,
        _sv_positive = 0 as _sv_is_none,
        coalesce(_sv_shortfall, 0) = 0 as _sv_is_all,
        {%- endif %}
        {{ sum_w }} as _sv_sum_of_weights,
        {{ '_sv_a2' if with_positives else 'cast(null as double) as _sv_a2' }},
        {{ '_sv_a4' if with_positives else 'cast(null as double) as _sv_a4' }},
        {{ '_sv_maximum' if with_maximum else 'cast(null as double) as _sv_maximum' }},
        _sv_b,
        {%- if with_missed %}
        _sv_certain / nullif(_sv_b, 0) as _sv_certain_share,
        {% if 'missed' in carried -%}
        coalesce(_sv_missed / nullif(_sv_with_missed, 0), _sv_maximum)
        {%- else -%}
        _sv_maximum
        {%- endif %} / nullif(_sv_b, 0) as _sv_missed_share,
        {%- endif %}
        least(
            _sv_rows,
            _sv_invalid
            {%- if with_stratum_check %} + _sv_population_invalid_rows{% endif %}
            {%- if ssu is not none %} + _sv_ssu_invalid_rows{% endif %}
            {%- if psus_have_probabilities %} + _sv_probability_invalid_rows{% endif %}
        ) as _sv_invalid,
        {{ '_sv_a' if total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_estimate,
        {% if may_be_negative %}case when _sv_all_terms >= 0 then _sv_all_terms end{% else %}_sv_all_terms{% endif %}
        {{- '' if total else ' / nullif(_sv_b * _sv_b, 0)' }} as _sv_variance,
        {%- if may_be_negative %}
        case when _sv_all_terms < 0 then 1 else 0 end as _sv_is_negative,
        {%- endif %}
        -- of simple random sampling with replacement of as many units, from the weighted spread of the residuals
        case when _sv_spread > 1e-12 * _sv_spread_scale then _sv_spread end
        * {{ sum_w }} / nullif(_sv_labeled - 1, 0){{ '' if total else ' / nullif(_sv_b * _sv_b, 0)' }} as _sv_simple_variance,
        _sv_domain_psus - _sv_domain_strata as _sv_df,
        _sv_lonely_psus + _sv_lonely_ssus as _sv_lonely_psus,
        _sv_census
    from _sv_spreads

),

{{ prevalence._survey_figures(
    by=by,
    total=total,
    interval=interval,
    level=level,
    lonely_psu=lonely_psu,
    zero_positive_bound=zero_positive_bound,
    zero_positive_law='with_replacement' if design in ['stratified', 'pps_with_replacement'] else 'poisson',
    extra_status={'name': 'negative_variance', 'condition': '_sv_is_negative = 1', 'keeps_estimate': true}
        if may_be_negative else none
) }}
{%- endmacro %}

{% macro _check_survey_estimates(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, by, total, interval, level, lonely_psu,
    ssu, population_ssus, zero_positive_bound, frame_maximum_weight, missed_weight, variance_method,
    population_squared_probabilities, joint_probabilities, lonely_psu_in_domain
) -%}
    {%- set name = 'survey_estimates' -%}
    {{- prevalence._check_expression(name, 'y', y, required=true) -}}
    {{- prevalence._check_expression(name, 'x', x, required=true) -}}
    {{- prevalence._check_expression(name, 'weight', weight, required=true) -}}
    {%- set optional = {
        'stratum': stratum, 'psu': psu, 'population_psus': population_psus,
        'inclusion_probability': inclusion_probability, 'ssu': ssu, 'population_ssus': population_ssus,
        'frame_maximum_weight': frame_maximum_weight, 'missed_weight': missed_weight
    } -%}
    {%- for argument, value in optional.items() -%}
        {{- prevalence._check_expression(name, argument, value) -}}
    {%- endfor -%}
    {%- set takes = {
        'stratified': ['stratum', 'psu', 'population_psus', 'ssu', 'population_ssus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'pps_without_replacement': ['stratum', 'psu', 'inclusion_probability'],
        'poisson': ['stratum', 'inclusion_probability'],
        'coordinated_poisson': ['stratum', 'psu', 'inclusion_probability']
    } -%}
    {{- prevalence._check_choice(name, 'design', design, takes.keys() | list) -}}
    {%- set unwanted = [] -%}
    {%- for argument, value in optional.items() -%}
        {%- if value is not none and argument not in takes[design] and argument not in ['frame_maximum_weight', 'missed_weight'] -%}
            {%- do unwanted.append(argument) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- prevalence._check_not_given(name, 'design', design, unwanted, takes[design]) -}}
    {%- if 'inclusion_probability' in takes[design] and inclusion_probability is none -%}
        {{ prevalence._refuse(name, "design '" ~ design ~ "' requires inclusion_probability; received none") }}
    {%- endif -%}
    {%- if design == 'coordinated_poisson' and psu is none -%}
        {{ prevalence._refuse(name, "design 'coordinated_poisson' requires psu, what has one random number; received none") }}
    {%- endif -%}
    {%- set methods = [
        'brewer', 'hajek', 'deville', 'overton', 'overton_yates_grundy', 'hartley_rao', 'horvitz_thompson', 'yates_grundy'
    ] -%}
    {{- prevalence._check_choice(name, 'variance_method', variance_method, methods) -}}
    {%- if variance_method != 'brewer' and design != 'pps_without_replacement' -%}
        {{ prevalence._refuse(
            name, "variance_method '" ~ variance_method ~ "' belongs to design 'pps_without_replacement'; received '"
            ~ design ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_expression(name, 'population_squared_probabilities', population_squared_probabilities) -}}
    {%- if (variance_method == 'hartley_rao') != (population_squared_probabilities is not none) -%}
        {{ prevalence._refuse(
            name, "variance_method 'hartley_rao' and population_squared_probabilities go together (with the mean probability"
            ~ " of the sample, which needs none, it is 'brewer'); received '" ~ variance_method ~ "' and "
            ~ (population_squared_probabilities or 'none')
        ) }}
    {%- endif -%}
    {%- if (variance_method in ['horvitz_thompson', 'yates_grundy']) != (joint_probabilities is not none) -%}
        {{ prevalence._refuse(
            name, "variance_method 'horvitz_thompson' or 'yates_grundy' and joint_probabilities go together; received '"
            ~ variance_method ~ "' and " ~ (joint_probabilities or 'none')
        ) }}
    {%- endif -%}
    {%- if joint_probabilities is not none and psu is none -%}
        {{ prevalence._refuse(
            name, "joint_probabilities requires psu, the name of a unit in its pairs; received none"
        ) }}
    {%- endif -%}
    {%- if (ssu is none) != (population_ssus is none) or (ssu is not none and (psu is none or population_psus is none)) -%}
        {{ prevalence._refuse(
            name, "a two-stage variance requires psu, population_psus, ssu and population_ssus together; received "
            ~ (optional.items() | rejectattr(1, 'none') | map(attribute=0) | join(', '))
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', total) -}}
    {{- prevalence._check_choice(name, 'interval', interval, prevalence._interval_kinds(true).keys() | list) -}}
    {{- prevalence._check_level(name, level) -}}
    {%- set rules = ['fail', 'remove', 'certainty', 'adjust', 'average'] -%}
    {{- prevalence._check_choice(name, 'lonely_psu', lonely_psu, rules) -}}
    {%- if ssu is not none and lonely_psu in ['adjust', 'average'] -%}
        {{ prevalence._refuse(
            name, "lonely_psu must be one of fail, remove, certainty when ssu is given; received '" ~ lonely_psu ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'lonely_psu_in_domain', lonely_psu_in_domain) -}}
    {%- if lonely_psu_in_domain and (lonely_psu not in ['adjust', 'average'] or inclusion_probability is not none) -%}
        {{ prevalence._refuse(
            name, "lonely_psu_in_domain belongs to lonely_psu 'adjust' or 'average' of designs without"
            ~ " inclusion_probability; received '" ~ lonely_psu ~ "' and design '" ~ design ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {%- if frame_maximum_weight is not none and zero_positive_bound != 'max_weight' -%}
        {{ prevalence._refuse(
            name, "frame_maximum_weight belongs to zero_positive_bound 'max_weight'; received '" ~ zero_positive_bound ~ "'"
        ) }}
    {%- endif -%}
    {%- if missed_weight is not none and interval != 'gamma' -%}
        {{ prevalence._refuse(name, "missed_weight belongs to interval 'gamma'; received '" ~ interval ~ "'") }}
    {%- endif -%}
    {{- prevalence._check_by(name, by, prevalence._result_columns()) -}}
{%- endmacro %}

{#- Internal names of the `by` columns. -#}
{% macro _sv_keys(columns) -%}
    {%- set keys = [] -%}
    {%- for column in columns -%}
        {%- do keys.append('_sv_by_' ~ loop.index) -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}

{#- The CTE _sv_members: each row of `relation` once per grouping set, with the set's number and its columns alone.

Set 0 is the one without columns, which is the design's, and always there; the others are numbered as in `by`, from 1.
Written as a cross join since that is what `grouping sets` does, and linters of one of the engines cannot read those.
-#}
{% macro _sv_members(relation, by, columns) -%}
_sv_sets as (

    select cast(0 as bigint) as _sv_set
    {%- for grouping_set in by %}
    {%- if grouping_set %}
    union all
    select cast({{ loop.index }} as bigint) as _sv_set
    {%- endif %}
    {%- endfor %}

),

_sv_members as (

    select
        {{ relation }}.*,
        _sv_sets._sv_set
        {%- for column in columns %},
        {%- set sets = [] %}
        {%- for grouping_set in by if column in grouping_set %}
        {%- do sets.append(by.index(grouping_set) + 1) %}
        {%- endfor %}
        case when _sv_sets._sv_set in ({{ sets | join(', ') }}) then {{ relation }}._sv_value_{{ loop.index }} end
            as _sv_by_{{ loop.index }}
        {%- endfor %}
    from {{ relation }}
    cross join _sv_sets

),
{%- endmacro %}

{#- What is only added up, from the rows to the domain: name -> aggregates of rows, and of groups of rows. -#}
{% macro _sv_carried(unit_x, total, with_frame_maximum, with_certain, with_missed, is_coordinated=false) -%}
    {%- set carried = {
        'rows': ['count(*)', 'sum(_sv_rows)'],
        'labeled': ['count(_sv_y)', 'sum(_sv_labeled)'],
        'positive': ['count(_sv_positive)', 'sum(_sv_positive)'],
        'invalid': ['count(_sv_invalid)', 'sum(_sv_invalid)'],
        'wyy': ['sum(_sv_wyy)', 'sum(_sv_wyy)']
    } -%}
    {%- set names = [] -%}
    {%- if not unit_x -%}
        {%- do names.append('w') -%}
    {%- endif -%}
    {%- if not unit_x and not total -%}
        {%- do names.extend(['wyx', 'wxx']) -%}
    {%- endif -%}
    {%- if with_certain -%}
        {%- do names.append('certain') -%}
    {%- endif -%}
    {%- for name in names -%}
        {%- do carried.update({name: ['sum(_sv_' ~ name ~ ')', 'sum(_sv_' ~ name ~ ')']}) -%}
    {%- endfor -%}
    {%- if not total -%}
        {%- do carried.update({'shortfall': ['max(_sv_shortfall)', 'max(_sv_shortfall)']}) -%}
    {%- endif -%}
    {%- if with_frame_maximum -%}
        {%- do carried.update({'frame_maximum': ['max(_sv_frame_maximum)', 'max(_sv_frame_maximum)']}) -%}
    {%- endif -%}
    {%- if with_missed -%}
        {#- counted with the weight, so that a domain's mean is over the rows that have one; what is drawn by one random
        number is missed as a whole -#}
        {%- do carried.update({
            'missed': ['sum(_sv_missed)', 'sum(_sv_missed)'],
            'with_missed': [
                'max(case when _sv_missed is not null then 1 end)' if is_coordinated else 'count(_sv_missed)',
                'sum(_sv_with_missed)'
            ]
        }) -%}
    {%- endif -%}
    {{ return(carried) }}
{%- endmacro %}

{% macro _sv_carried_sums(carried, of_rows) -%}
    {%- for name, aggregates in carried.items() -%}
        {{ aggregates[0 if of_rows else 1] }} as _sv_{{ name }},{{ '' if loop.last else '\n        ' }}
    {%- endfor -%}
{%- endmacro %}

{#- Sum of products about the means, over the rows that have both. -#}
{% macro _sv_moment(left, right) -%}
    {%- if left == right -%}
    var_pop(_sv_{{ left }}) * count(_sv_b)
    {%- else -%}
    covar_pop(_sv_{{ left }}, _sv_{{ right }}) * count(_sv_b)
    {%- endif -%}
{%- endmacro %}

{#- What a stratum with a single PSU adds under each rule; `average` scales the others up at the end. -#}
{% macro _sv_lonely_term(lonely_psu) -%}
    {%- if lonely_psu == 'adjust' -%}
            {#- the PSUs without a unit of the domain are at 0; a stratum of one PSU has none -#}
            else
                _sv_unsampled_share * coalesce(_sv_n / nullif(_sv_n - 1, 0), 1) * (
                    power(_sv_z - _sv_all_z / _sv_all_psus, 2) + (_sv_n - 1) * power(_sv_all_z / _sv_all_psus, 2)
                )
    {%- elif lonely_psu != 'fail' -%}
            else 0
    {%- endif -%}
{%- endmacro %}

{#- What a stratum of two PSUs or more adds in sampling with unequal probabilities without replacement.

With q = 1 - probability and z the residual of a PSU (0 outside the domain) every form is one in the sums of q z^2
(`zz`), q z (`fz`), z (`z`), z^2 (`squares`), q and q^2. Those whose centre depends on q alone are written about the
domain's own centre, which does not cancel; the last three are differences by nature.
-#}
{% macro _sv_unequal_term(variance_method) -%}
    {%- set terms = {
        'overton': '(_sv_n * _sv_zz - _sv_fz * _sv_z) / (_sv_n - 1)',
        'overton_yates_grundy': '(_sv_n * _sv_zz / 2 - _sv_fz * _sv_z + _sv_f_design * _sv_squares / 2) / (_sv_n - 1)',
        'hartley_rao': '(
                        _sv_n * _sv_zz - 2 * _sv_fz * _sv_z + _sv_f_design * _sv_squares
                        - (1 - _sv_squares_design / _sv_n) * (_sv_n * _sv_squares - _sv_z * _sv_z)
                    ) / (_sv_n - 1)',
        'horvitz_thompson': '_sv_zz + _sv_products',
        'yates_grundy': '_sv_zz + _sv_products'
    } -%}
    {%- if variance_method in terms -%}
                    case
                        when
                            abs({{ terms[variance_method] }})
                            > 1e-12 * abs(_sv_zz_scale)
                            then {{ terms[variance_method] }}
                        else 0
                    end
    {%- elif variance_method == 'brewer' -%}
                    _sv_n / (_sv_n - 1) * (
                        case
                            when
                                _sv_zz - 2 * _sv_z / _sv_n * _sv_fz + power(_sv_z / _sv_n, 2) * _sv_domain_f
                                > 1e-12 * (_sv_zz_scale + power(_sv_z / _sv_n, 2) * _sv_domain_f)
                                then _sv_zz - 2 * _sv_z / _sv_n * _sv_fz + power(_sv_z / _sv_n, 2) * _sv_domain_f
                            else 0
                        end
                        + power(_sv_z / _sv_n, 2) * (_sv_f_design - _sv_domain_f)
                    )
    {%- else -%}
                    (
                        case
                            when
                                _sv_zz - _sv_fz * _sv_fz / nullif(_sv_domain_f, 0) > 1e-12 * _sv_zz_scale
                                then _sv_zz - _sv_fz * _sv_fz / nullif(_sv_domain_f, 0)
                            else 0
                        end
                        + _sv_fz * _sv_fz * coalesce(1 / nullif(_sv_domain_f, 0) - 1 / nullif(_sv_f_design, 0), 0)
                    )
        {%- if variance_method == 'hajek' %}
                    * _sv_n / (_sv_n - 1)
        {%- else %}
                    / nullif(1 - _sv_ff_design / nullif(_sv_f_design * _sv_f_design, 0), 0)
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The CTEs from the PSUs and the joint probabilities of their pairs: sums of products of residuals over pairs.

The Horvitz-Thompson variance is the sum of q z^2 over PSUs and of 2 D z z' over pairs, with D = 1 - pi pi' / pi(pair);
in the Yates-Grundy variance minus the sum of D over the pairs of the PSU takes the place of q. Pairs of different
strata are drawn independently, so D is 0. A PSU without all its pairs has missing ones, and its stratum no figures.
-#}
{% macro _sv_pairs(joint_probabilities, domain, variance_method) -%}
_sv_pairs as (

    select
        _sv_first._sv_stratum,
        _sv_first._sv_psu as _sv_psu_1,
        _sv_second._sv_psu as _sv_psu_2,
        1 - (1 - _sv_first._sv_f) * (1 - _sv_second._sv_f) / cast(_sv_joint.joint_probability as double) as _sv_d
    from {{ joint_probabilities }} as _sv_joint
    inner join _sv_psus as _sv_first
        on
            _sv_joint.psu_1 = _sv_first._sv_psu
            and _sv_first._sv_set = 0
    inner join _sv_psus as _sv_second
        on
            _sv_joint.psu_2 = _sv_second._sv_psu
            and _sv_first._sv_stratum = _sv_second._sv_stratum
            and _sv_second._sv_set = 0
    where
        _sv_joint.psu_1 <> _sv_joint.psu_2
        and _sv_joint.joint_probability > 0
        and _sv_joint.joint_probability <= 1

),

_sv_pair_ends as (

    select
        _sv_stratum,
        _sv_psu_1 as _sv_psu,
        _sv_psu_2 as _sv_other,
        _sv_d
    from _sv_pairs
    union all
    select
        _sv_stratum,
        _sv_psu_2 as _sv_psu,
        _sv_psu_1 as _sv_other,
        _sv_d
    from _sv_pairs

),

_sv_pairs_of_psus as (

    select
        _sv_stratum,
        _sv_psu,
        count(*) as _sv_pair_ends,
        count(distinct _sv_other) as _sv_others,
        sum(_sv_d) as _sv_d
    from _sv_pair_ends
    group by _sv_stratum, _sv_psu

),

_sv_paired_psus as (

    select
        _sv_psus.*,
        {{ '_sv_psus._sv_f' if variance_method == 'horvitz_thompson' else '-coalesce(_sv_pairs_of_psus._sv_d, 0)' }}
            as _sv_square_factor,
        case
            when
                count(*) over (partition by _sv_psus._sv_set, _sv_psus._sv_stratum) - 1
                = coalesce(_sv_pairs_of_psus._sv_others, 0)
                and coalesce(_sv_pairs_of_psus._sv_pair_ends, 0) = coalesce(_sv_pairs_of_psus._sv_others, 0)
                then 0
            else 1
        end as _sv_missing_pairs
    from _sv_psus
    left join _sv_pairs_of_psus
        on
            _sv_psus._sv_stratum = _sv_pairs_of_psus._sv_stratum
            and _sv_psus._sv_psu = _sv_pairs_of_psus._sv_psu

),

_sv_pair_sums as (

    select
        {%- for column in domain + ['_sv_stratum'] %}
        _sv_first.{{ column }},
        {%- endfor %}
        sum(2 * _sv_pairs._sv_d * _sv_first._sv_a * _sv_second._sv_a) as _sv_paa,
        sum(_sv_pairs._sv_d * (_sv_first._sv_a * _sv_second._sv_b + _sv_first._sv_b * _sv_second._sv_a)) as _sv_pab,
        sum(2 * _sv_pairs._sv_d * _sv_first._sv_b * _sv_second._sv_b) as _sv_pbb
    from _sv_pairs
    inner join _sv_psus as _sv_first
        on
            _sv_pairs._sv_stratum = _sv_first._sv_stratum
            and _sv_pairs._sv_psu_1 = _sv_first._sv_psu
    inner join _sv_psus as _sv_second
        on
            _sv_pairs._sv_stratum = _sv_second._sv_stratum
            and _sv_pairs._sv_psu_2 = _sv_second._sv_psu
            {%- for column in domain %}
            and _sv_first.{{ column }} is not distinct from _sv_second.{{ column }}
            {%- endfor %}
    group by
        {%- for column in domain + ['_sv_stratum'] %}
        _sv_first.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

),
{%- endmacro %}
