{#- CTEs _sv_joined to _sv_final, made of the groups and their sums: status and figures of each group.

`spec`: _rater_agreement_spec.sql
-#}
{% macro _rater_agreement_figures(spec) -%}
_sv_joined as (

    select
        _sv_groups.*,
        {{ 'coalesce(_sv_repeats._sv_repeats, 0)' if spec.rater is not none else '0' }} as _sv_repeats,
        {{ spec.number_of_labels if spec.number_of_labels is not none else '_sv_groups._sv_distinct' }} as _sv_scheme,
        coalesce(_sv_sums._sv_paired_items, 0) as _sv_paired_items,
        coalesce(_sv_sums._sv_complete_items, 0) as _sv_complete_items,
        {%- for column in [
            'paired', 'complete_agreement', 'agreement', 'observed', 'chance', 'ac1_std_error', 'positive_pairs',
            'positive_possible', 'negative_pairs', 'negative_possible'
        ] %}
        _sv_sums._sv_{{ column }},
        {%- endfor %}
        {%- for scale in spec.moments %}
        _sv_moments._sv_{{ scale }}_observed,
        _sv_moments._sv_{{ scale }}_expected,
        {%- endfor %}
        _sv_margins._sv_paired_squares,
        _sv_margins._sv_complete_squares,
        _sv_margins._sv_complete,
        _sv_errors._sv_nominal_std_error,
        _sv_errors._sv_fleiss_std_error
    from _sv_groups
    {%- for other in ['_sv_repeats', '_sv_sums', '_sv_margins', '_sv_errors'] + (['_sv_moments'] if spec.moments else []) %}
    left join {{ other }}
        on {{ prevalence._sv_same(spec.domain, '_sv_groups', other) }}
    {%- endfor %}

),

_sv_states as (

    select
        *,
        case
            when _sv_invalid > 0 then 'invalid_rows'
            when _sv_repeats > 0 then 'repeated_labels'
            when _sv_distinct > _sv_scheme then 'too_many_labels'
            when _sv_paired_items = 0 then 'no_pairs'
            when _sv_paired_squares = _sv_paired * _sv_paired then 'one_label'
            else 'ok'
        end as _sv_status
    from _sv_joined

),

_sv_figures as (

    -- from here on a group whose rows cannot be used has no sums
    select
        {{ spec.domain | join(',\n        ') }},
        _sv_items,
        _sv_raters,
        _sv_labels,
        _sv_missing,
        _sv_repeats,
        _sv_invalid,
        _sv_distinct,
        _sv_numbers,
        _sv_paired_items,
        _sv_complete_items,
        _sv_status,
        cast(_sv_scheme as double) as _sv_scheme,
        case when _sv_status in ('ok', 'one_label') then cast(_sv_items as double) end as _sv_n,
        _sv_agreement / nullif(_sv_paired_items, 0) as _sv_agreement,
        _sv_positive_pairs / nullif(_sv_positive_possible, 0) as _sv_positive,
        _sv_negative_pairs / nullif(_sv_negative_possible, 0) as _sv_negative,
        1 - _sv_observed / nullif(_sv_paired, 0)
        / nullif((_sv_paired * _sv_paired - _sv_paired_squares) / nullif(_sv_paired * (_sv_paired - 1), 0), 0)
            as _sv_nominal,
        {%- for scale in spec.moments %}
        1 - _sv_{{ scale }}_observed / nullif(_sv_{{ scale }}_expected, 0) as _sv_{{ scale }},
        {%- endfor %}
        _sv_complete_agreement / nullif(_sv_complete_items, 0) as _sv_complete_agreement,
        _sv_complete_squares / nullif(_sv_complete * _sv_complete, 0) as _sv_complete_chance,
        _sv_chance,
        _sv_ac1_std_error,
        _sv_nominal_std_error,
        _sv_fleiss_std_error
    from _sv_states

),

_sv_kappas as (

    select
        *,
        case
            when _sv_n is not null and _sv_complete_chance < 1
                then (_sv_complete_agreement - _sv_complete_chance) / (1 - _sv_complete_chance)
        end as _sv_fleiss
    from _sv_figures

),

_sv_scaled as (

    -- on the scale on which a correlation varies alike wherever it lies; no spread is no knowledge of it
    select
        *,
        {%- for figure, items in spec.intervals.items() %}
        case
            when _sv_n is not null and _sv_{{ figure }}_std_error > 0 and abs(_sv_{{ figure }}) < 1
                then ln((1 + _sv_{{ figure }}) / (1 - _sv_{{ figure }})) / 2
        end as _sv_{{ figure }}_scaled,
        student_t_quantile(
            cast({{ 1 - (1 - spec.level) / 2 }} as double), cast(_sv_{{ items }} - 1 as double)
        ) * _sv_{{ figure }}_std_error / nullif(1 - _sv_{{ figure }} * _sv_{{ figure }}, 0)
            as _sv_{{ figure }}_distance{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_kappas

),

_sv_final as (

    select
        {%- for column in spec.columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        cast(_sv_items as bigint) as items,
        cast({{ '_sv_raters' if spec.rater is not none else 'null' }} as bigint) as raters,
        cast(_sv_labels as bigint) as labels,
        cast(_sv_missing as bigint) as missing_labels,
        cast({{ '_sv_repeats' if spec.rater is not none else 'null' }} as bigint) as repeated_labels,
        cast(_sv_invalid as bigint) as invalid_rows,
        cast(_sv_distinct as bigint) as distinct_labels,
        cast(_sv_paired_items as bigint) as paired_items,
        case when _sv_n is not null then _sv_agreement end as percent_agreement,
        case when _sv_n is not null then _sv_positive end as positive_agreement,
        case when _sv_n is not null then _sv_negative end as negative_agreement,
        case when _sv_n is not null then _sv_nominal end as krippendorff_alpha,
        cast({{ '_sv_labels - _sv_numbers' if spec.moments else 'null' }} as bigint) as labels_without_value,
        {%- for scale in ['ordinal', 'interval'] %}
        {% if scale in spec.moments -%}
        case when _sv_n is not null then _sv_{{ scale }} end as krippendorff_alpha_{{ scale }},
        {%- else -%}
        cast(null as double) as krippendorff_alpha_{{ scale }},
        {%- endif %}
        {%- endfor %}
        case when _sv_n is not null then (_sv_agreement - _sv_chance) / nullif(1 - _sv_chance, 0) end as gwet_ac1,
        case when _sv_n > 1 then _sv_ac1_std_error end as gwet_ac1_std_error,
        cast(_sv_complete_items as bigint) as complete_items,
        _sv_fleiss as fleiss_kappa,
        case
            when _sv_n is not null and _sv_scheme > 1
                then (_sv_complete_agreement - 1 / _sv_scheme) / (1 - 1 / _sv_scheme)
        end as randolph_kappa,
        {%- for figure, name in [('nominal', 'krippendorff_alpha'), ('fleiss', 'fleiss_kappa')] %}
        case when _sv_n is not null and _sv_{{ figure }} is not null then _sv_{{ figure }}_std_error end
            as {{ name }}_std_error,
        {%- for side, sign in [('lower', '-'), ('upper', '+')] %}
        -- the hyperbolic tangent
        1 - 2 / (exp(2 * (_sv_{{ figure }}_scaled {{ sign }} _sv_{{ figure }}_distance)) + 1) as {{ name }}_{{ side }},
        {%- endfor %}
        {%- endfor %}
        cast({{ spec.level }} as double) as interval_level,
        {{ prevalence._sv_grouping_set(spec.by) }} as grouping_set,
        _sv_status as status
    from _sv_scaled
    {%- if [] not in spec.by %}
    where _sv_set > 0
    {%- endif %}

)

select * from _sv_final
{%- endmacro %}
