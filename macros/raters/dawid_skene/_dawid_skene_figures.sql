{#- CTEs _sv_<part>_votes to _sv_final, made of the answers and the solutions: a row for each item and label, rater
and pair of labels, or label.

`spec`: _dawid_skene_spec.sql
-#}
{% macro _dawid_skene_figures(spec) -%}
{%- for part in ['item', 'rater', 'label'] if part in spec.parts['of'].values() %}

_sv_{{ part }}_votes as (

    select
        _sv_group,
        _sv_{{ part }},
        _sv_{{ part }}_number,
        sum(_sv_count) as _sv_votes
    from _sv_answers
    group by _sv_group, _sv_{{ part }}, _sv_{{ part }}_number

),
{%- endfor %}

_sv_votes as (

    select
        _sv_group,
        {%- for part in ['item', 'rater'] if part in spec.parts['of'] %}
        _sv_{{ part }}_number,
        {%- endfor %}
        _sv_label_number,
        sum(_sv_count) as _sv_votes
    from _sv_answers
    group by
        _sv_group,
        {%- for part in ['item', 'rater'] if part in spec.parts['of'] %}
        _sv_{{ part }}_number,
        {%- endfor %}
        _sv_label_number

),

_sv_rows as (

    select
        _sv_states.*,
        {%- for part, source in spec.parts['of'].items() %}
        _sv_of_{{ part }}._sv_{{ source }}{{ ' as _sv_' ~ part if part != source }},
        _sv_of_{{ part }}._sv_{{ source }}_number{{ ' as _sv_' ~ part ~ '_number' if part != source }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from _sv_states
    {%- for part, source in spec.parts['of'].items() %}
    left join _sv_{{ source }}_votes as _sv_of_{{ part }}
        on _sv_states._sv_group = _sv_of_{{ part }}._sv_group
    {%- endfor %}

),

_sv_positions as (

    select
        *,
        6 + {{ spec.parts['position'] }} as _sv_position
    from _sv_rows

),

_sv_figures as (

    select
        _sv_positions.*,
        coalesce(_sv_votes._sv_votes, 0) as _sv_votes,
        _sv_elements._sv_element,
        _sv_heads._sv_iterations,
        _sv_heads._sv_converged,
        _sv_heads._sv_log_likelihood
    from _sv_positions
    left join _sv_votes
        on
            _sv_positions._sv_group = _sv_votes._sv_group
            {%- for part in ['item', 'rater', 'label'] if part in spec.parts['of'] %}
            and _sv_positions._sv_{{ part }}_number = _sv_votes._sv_{{ part }}_number
            {%- endfor %}
    left join _sv_elements
        on
            _sv_positions._sv_group = _sv_elements._sv_group
            and _sv_positions._sv_position = _sv_elements._sv_position
    left join _sv_heads
        on _sv_positions._sv_group = _sv_heads._sv_group

),

_sv_final as (

    select
        {%- for column in spec.columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        {%- for part in spec.parts['of'] %}
        _sv_{{ part }} as {{ 'true_label' if part == 'true' else part }},
        {%- endfor %}
        cast(_sv_votes as bigint) as votes,
        {%- set names = {'posteriors': 'posterior', 'confusion': 'probability', 'classes': 'class_share'} %}
        _sv_element as {{ names[spec.result] }},
        {%- if spec.result == 'posteriors' %}
        case
            when _sv_element is not null
                then row_number() over (
                    partition by _sv_group, _sv_item_number order by _sv_element desc, _sv_label_number asc
                ) = 1
        end as is_most_likely,
        {%- endif %}
        cast(_sv_items as bigint) as items,
        cast(_sv_raters as bigint) as raters,
        cast(_sv_labels as bigint) as labels,
        cast(_sv_missing as bigint) as missing_labels,
        cast(_sv_invalid as bigint) as invalid_rows,
        cast(_sv_iterations as bigint) as iterations,
        _sv_log_likelihood as log_likelihood,
        {{ prevalence._sv_grouping_set(spec.by) }} as grouping_set,
        case when _sv_converged = 0 then 'not_converged' else _sv_status end as status
    from _sv_figures

)

select * from _sv_final
{%- endmacro %}
