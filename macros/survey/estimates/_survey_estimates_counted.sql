{#- Steps of survey_estimates that interval counted alone takes (shared/_survey_counted.sql). -#}

{#- Columns of _sv_strata: sums from which a stratum's known and open parts follow. What is found in a PSU is one event;
of a PSU that was drawn nothing is known for sure, as rows may be a sample of it, unless all PSUs were certain to be. -#}
{% macro _survey_estimates_counted_sums(spec) -%}
        {%- set event = 'greatest(_sv_a, _sv_b)' if spec.total else '_sv_b' -%}
        {%- if spec.with_probability -%}
        {%- set known = '(1 - _sv_f)' if spec.psu is none or spec.is_coordinated
            else '(case when _sv_f = 0 then 1 else 0 end)' %}
        sum({{ known }} * _sv_a) as _sv_counted_a,
        sum({{ known }} * _sv_b) as _sv_counted_b,
        sum(_sv_f * _sv_a) as _sv_open_a,
        sum(_sv_f * _sv_b) as _sv_open_b,
        sum(_sv_f * {{ known }} * _sv_a * _sv_a) as _sv_unit_a2,
        sum(_sv_f * {{ known }} * _sv_b * _sv_b) as _sv_unit_b2,
        sum(_sv_f * _sv_a * _sv_a * _sv_a) as _sv_open_a3,
        -- what a random number of units adds to the sum of w x
        sum(_sv_f * _sv_b * _sv_b) as _sv_base_term,
        max(_sv_f * {{ event }}) as _sv_event_1,
        max(_sv_f * power({{ event }}, 2)) as _sv_event_2,
        {%- else %}
        sum(_sv_a * _sv_a) as _sv_a_2,
        sum(_sv_b * _sv_b) as _sv_b_2,
        sum(_sv_a * _sv_a * _sv_a) as _sv_a_3,
        max({{ event }}) as _sv_event,
        {%- endif %}
{%- endmacro %}

{#- The CTEs _sv_open_terms and _sv_counted_terms, made of _sv_terms. -#}
{% macro _survey_estimates_counted_terms(spec) -%}
_sv_open_terms as (

    select
        *,
        {%- if not spec.with_probability %}
        case
            {%- if spec.ssu is not none %}
            when _sv_census * _sv_ssu_census = 1 then 0
            else 1
            {%- else %}
            when _sv_census = 1 then 0
            else _sv_unsampled_share
            {%- endif %}
        end as _sv_open,
        {%- endif %}
        {% if spec.design in ['poisson', 'coordinated_poisson'] -%}
        -- the number of units varies, too, unless it is what the ratio divides by
        {{ 'cast(0 as double)' if spec.total else 'coalesce(_sv_ratio, 0)' }}
        {%- else -%}
        {{ prevalence._sv_part('_sv_a', '_sv_b') }}
        {%- endif %} as _sv_part
    from _sv_terms

),

{%- if not spec.with_probability %}

_sv_known_terms as (

    select
        *,
        {%- set known = '(1 - _sv_open)' if spec.psu is none else '(case when _sv_open = 0 then 1 else 0 end)' %}
        {{ known }} * _sv_a as _sv_counted_a,
        {{ known }} * _sv_b as _sv_counted_b,
        _sv_open * _sv_a as _sv_open_a,
        _sv_open * _sv_b as _sv_open_b,
        _sv_open * {{ known }} * _sv_a_2 as _sv_unit_a2,
        _sv_open * {{ known }} * _sv_b_2 as _sv_unit_b2,
        _sv_open * _sv_a_3 as _sv_open_a3,
        _sv_open * _sv_event as _sv_event_1,
        _sv_open * power(_sv_event, 2) as _sv_event_2,
        case
            when _sv_n > 1
                then
                    _sv_open * _sv_n / (_sv_n - 1) * (
                        case when _sv_mbb > 1e-12 * _sv_b_2 then _sv_mbb else 0 end
                        + power(_sv_b, 2) * (1 / nullif(_sv_domain_psus, 0) - 1 / _sv_n)
                    )
            else _sv_open * power(_sv_b, 2)
        end as _sv_base_term
    from _sv_open_terms

),
{%- endif %}

_sv_counted_terms as (

    select
        *,
        {{ prevalence._sv_counted_terms(
            '_sv_part', units=none if spec.design in ['poisson', 'coordinated_poisson'] else '_sv_domain_psus'
        ) }}
    from {{ '_sv_open_terms' if spec.with_probability else '_sv_known_terms' }}

),
{%- endmacro %}
