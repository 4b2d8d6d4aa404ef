{#- Steps of survey_two_phase_estimates that interval counted alone takes (shared/_survey_counted.sql). A unit is known
with the probability of both phases: f r, where f is the same in all of a stratum x cell and r is the unit's own. -#}

{#- Columns of _sv_cells: sums with r, and the heaviest unit that could have been missed. -#}
{% macro _survey_two_phase_counted_sums(spec) -%}
        {%- set own = (['_sv_p1'] if spec.is_poisson_1 else []) + (['_sv_p2'] if spec.is_poisson else []) -%}
        {%- set r = own | join(' * ') if own else '1' -%}
        {%- set event = 'greatest(_sv_a, _sv_b)' if spec.total else '_sv_b' %}
        {%- for name in ['a', 'b'] %}
        coalesce(sum({{ r }} * _sv_{{ name }}), 0) as _sv_r{{ name }},
        coalesce(sum({{ r }} * _sv_{{ name }} * _sv_{{ name }}), 0) as _sv_r{{ name }}2,
        coalesce(sum(power({{ r }} * _sv_{{ name }}, 2)), 0) as _sv_rr{{ name }}2,
        {%- endfor %}
        coalesce(sum(power(_sv_a, 3)), 0) as _sv_a3,
        coalesce(sum({{ r }} * power(_sv_a, 3)), 0) as _sv_ra3,
        {%- for number in [1, 2] %}
        coalesce(max(power({{ event }}, {{ number }})), 0) as _sv_heaviest_{{ number }},
        coalesce(max((1 - {{ r }}) * power({{ event }}, {{ number }})), 0) as _sv_open_heaviest_{{ number }},
        {%- endfor %}
        -- a row that stands for itself at least is as much as was counted
        coalesce(sum(case when _sv_w >= 1 then _sv_y end), 0) as _sv_found,
        max(
            case when _sv_y < 0 then {{ 3 if spec.total else 2 }} when _sv_y > _sv_x then 2 when _sv_y <= _sv_x then 1 end
        ) as _sv_shortfall,
{%- endmacro %}

{#- The CTEs _sv_known_terms and _sv_counted_terms, made of _sv_terms. -#}
{% macro _survey_two_phase_counted_terms(spec) -%}
_sv_known_terms as (

    select
        *,
        {%- set f = (['(1 - _sv_open_1)'] if not spec.is_poisson_1 else [])
            + (['(1 - _sv_open_2)'] if not spec.is_poisson else []) %}
        {{ f | join(' * ') if f else '1' }} as _sv_known,
        {% if spec.is_poisson -%}
        -- the number of units varies, too, unless it is what the ratio divides by
        {{ 'cast(0 as double)' if spec.total else 'coalesce(_sv_ratio_0, 0)' }}
        {%- else -%}
        {{ prevalence._sv_part('_sv_ea', '_sv_eb') }}
        {%- endif %} as _sv_part
    from _sv_terms

),

_sv_parted_terms as (

    select
        *,
        {%- for name in ['a', 'b'] %}
        _sv_w2 * _sv_known * _sv_r{{ name }} as _sv_counted_{{ name }},
        case
            when _sv_e{{ name }} > (1 + 1e-12) * _sv_w2 * _sv_known * _sv_r{{ name }}
                then _sv_e{{ name }} - _sv_w2 * _sv_known * _sv_r{{ name }}
            else 0
        end as _sv_open_{{ name }},
        power(_sv_w2, 2) * _sv_known * (_sv_r{{ name }}2 - _sv_known * _sv_rr{{ name }}2) as _sv_unit_{{ name }}2,
        {%- endfor %}
        power(_sv_w2, 3) * (_sv_a3 - _sv_known * _sv_ra3) as _sv_open_a3,
        {%- for number in [1, 2] %}
        power(_sv_w2, {{ number }})
        * (_sv_known * _sv_open_heaviest_{{ number }} + (1 - _sv_known) * _sv_heaviest_{{ number }})
            as _sv_event_{{ number }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_known_terms

),

_sv_counted_terms as (

    select
        *,
        {{ prevalence._sv_counted_terms('_sv_part', units=none if spec.is_poisson else '_sv_labeled') }}
    from _sv_parted_terms

),
{%- endmacro %}
