{#- Latent labels of items and error rates of raters, when nobody knows the truth (Dawid and Skene 1979).

The warehouse counts who gave which label to which item; one call of the Python function dawid_skene in each group
returns all figures as a list, whose layout that function documents. The same answers give the same bits in any order
of rows. For ranking what to adjudicate and for looking at raters, not for a published prevalence: raters who err
together are taken for right. Two raters cannot tell who of them errs, so a group needs three.

Arguments, columns and null rules: macros/_macros.yml.

Usage (in a model that is a table):
    {{ prevalence.dawid_skene(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[['policy_id']],
        result='posteriors'
    ) }}
-#}
{% macro dawid_skene(
    relation, item, rater, label, by=[[]], result='posteriors', max_iterations=200, tolerance=1e-10, smoothing=1e-12
) -%}
{%- set name = 'dawid_skene' -%}
{%- for argument, value in {'item': item, 'rater': rater, 'label': label}.items() -%}
    {{- prevalence._check_expression(name, argument, value, required=true) -}}
{%- endfor -%}
{%- set own_columns = {
    'posteriors': ['item', 'label', 'votes', 'posterior', 'is_most_likely'],
    'confusion': ['rater', 'true_label', 'label', 'votes', 'probability'],
    'classes': ['label', 'votes', 'class_share']
} -%}
{{- prevalence._check_choice(name, 'result', result, own_columns.keys() | list) -}}
{{- prevalence._check_by(name, by, own_columns[result] + [
    'items', 'raters', 'labels', 'missing_labels', 'invalid_rows', 'iterations', 'log_likelihood', 'grouping_set',
    'status'
]) -}}
{%- if max_iterations is not integer or max_iterations is boolean or max_iterations < 1 -%}
    {{- prevalence._refuse(
        name, "max_iterations must be a whole number of 1 or more; received '" ~ max_iterations ~ "'"
    ) -}}
{%- endif -%}
{%- for argument, value in {'tolerance': tolerance, 'smoothing': smoothing}.items() -%}
    {%- if value is not number or value is boolean or not 0 <= value < 1 -%}
        {{- prevalence._refuse(
            name, argument ~ " must be a number of 0 or more and less than 1; received '" ~ value ~ "'"
        ) -}}
    {%- endif -%}
{%- endfor -%}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set group_by = domain | join(', ') -%}
{#- what a row of the result is about, and where its figure stands in the list after the six of the head -#}
{%- set parts = {
    'posteriors': {
        'of': {'item': 'item', 'label': 'label'},
        'position': '_sv_distinct * _sv_item_number + _sv_label_number'
    },
    'confusion': {
        'of': {'rater': 'rater', 'true': 'label', 'label': 'label'},
        'position': '_sv_distinct * (_sv_items + _sv_distinct * (_sv_rater_number - 1) + _sv_true_number)'
        ~ '\n        + _sv_label_number'
    },
    'classes': {'of': {'label': 'label'}, 'position': '_sv_label_number'}
}[result] -%}
with

_sv_values as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        {{ rater }} as _sv_rater,
        cast(({{ label }}) as string) as _sv_label
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_ratings as (

    select
        {{ (domain + ['_sv_item', '_sv_rater', '_sv_label']) | join(',\n        ') }},
        count(*) as _sv_count
    from _sv_members
    {%- if [] not in by %}
    where _sv_set > 0
    {%- endif %}
    group by {{ group_by }}, _sv_item, _sv_rater, _sv_label

),

_sv_sizes as (

    select
        *,
        sum(case when _sv_label is not null then _sv_count else 0 end) over (
            partition by {{ group_by }}, _sv_item
        ) as _sv_size
    from _sv_ratings

),

_sv_groups as (

    select
        {{ domain | join(',\n        ') }},
        row_number() over (order by {{ group_by }}) as _sv_group,
        count(distinct case when _sv_label is not null then _sv_item end) as _sv_items,
        count(distinct case when _sv_label is not null then _sv_rater end) as _sv_raters,
        count(distinct _sv_label) as _sv_distinct,
        sum(case when _sv_label is not null then _sv_count else 0 end) as _sv_labels,
        sum(case when _sv_label is null then _sv_count else 0 end) as _sv_missing,
        sum(case when _sv_item is null or _sv_rater is null then _sv_count else 0 end) as _sv_invalid,
        max(_sv_size) as _sv_most
    from _sv_sizes
    group by {{ group_by }}

),

_sv_states as (

    select
        *,
        case
            when _sv_invalid > 0 then 'invalid_rows'
            when _sv_most < 2 then 'no_pairs'
            when _sv_raters < 3 then 'too_few_raters'
            when _sv_distinct < 2 then 'one_label'
            else 'ok'
        end as _sv_status
    from _sv_groups

),

_sv_answers as (

    select
        _sv_states._sv_group,
        _sv_states._sv_status,
        _sv_ratings._sv_item,
        _sv_ratings._sv_rater,
        _sv_ratings._sv_label,
        _sv_ratings._sv_count,
        cast(_sv_ratings._sv_count as double) as _sv_weight,
        {%- for part in ['item', 'rater', 'label'] %}
        cast(
            dense_rank() over (partition by _sv_states._sv_group order by _sv_ratings._sv_{{ part }}) as double
        ) as _sv_{{ part }}_number{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_ratings
    inner join _sv_states
        on
            _sv_ratings._sv_set = _sv_states._sv_set
            {%- for key in keys %}
            and _sv_ratings.{{ key }} is not distinct from _sv_states.{{ key }}
            {%- endfor %}
    where _sv_ratings._sv_label is not null

),

_sv_numbered as (

    select
        _sv_group,
        _sv_status,
        {{ prevalence._array(['_sv_item_number', '_sv_rater_number', '_sv_label_number', '_sv_weight']) }} as _sv_answer
    from _sv_answers

),

_sv_tables as (

    select
        _sv_group,
        array_agg(_sv_answer) as _sv_table
    from _sv_numbered
    where _sv_status = 'ok'
    group by _sv_group

),

_sv_solutions as (

    select
        _sv_group,
        dawid_skene(
            _sv_table,
            cast({{ max_iterations }} as double),
            cast({{ tolerance }} as double),
            cast({{ smoothing }} as double)
        ) as _sv_solution
    from _sv_tables

),

_sv_elements as (

    {{ prevalence._list_elements('_sv_solutions', '_sv_solution', ['_sv_group']) }}

),

_sv_heads as (

    select
        _sv_group,
        max(case when _sv_position = 4 then _sv_element end) as _sv_iterations,
        max(case when _sv_position = 5 then _sv_element end) as _sv_converged,
        max(case when _sv_position = 6 then _sv_element end) as _sv_log_likelihood
    from _sv_elements
    where _sv_position <= 6
    group by _sv_group

),

{%- for part in ['item', 'rater', 'label'] if part in parts['of'].values() %}

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
        {%- for part in ['item', 'rater'] if part in parts['of'] %}
        _sv_{{ part }}_number,
        {%- endfor %}
        _sv_label_number,
        sum(_sv_count) as _sv_votes
    from _sv_answers
    group by
        _sv_group,
        {%- for part in ['item', 'rater'] if part in parts['of'] %}
        _sv_{{ part }}_number,
        {%- endfor %}
        _sv_label_number

),

_sv_rows as (

    select
        _sv_states.*,
        {%- for part, source in parts['of'].items() %}
        _sv_of_{{ part }}._sv_{{ source }}{{ ' as _sv_' ~ part if part != source }},
        _sv_of_{{ part }}._sv_{{ source }}_number{{ ' as _sv_' ~ part ~ '_number' if part != source }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from _sv_states
    {%- for part, source in parts['of'].items() %}
    left join _sv_{{ source }}_votes as _sv_of_{{ part }}
        on _sv_states._sv_group = _sv_of_{{ part }}._sv_group
    {%- endfor %}

),

_sv_positions as (

    select
        *,
        6 + {{ parts['position'] }} as _sv_position
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
            {%- for part in ['item', 'rater', 'label'] if part in parts['of'] %}
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
        {%- for column in columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        {%- for part in parts['of'] %}
        _sv_{{ part }} as {{ 'true_label' if part == 'true' else part }},
        {%- endfor %}
        cast(_sv_votes as bigint) as votes,
        _sv_element as {{ {'posteriors': 'posterior', 'confusion': 'probability', 'classes': 'class_share'}[result] }},
        {%- if result == 'posteriors' %}
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
        {{ prevalence._sv_grouping_set(by) }} as grouping_set,
        case when _sv_converged = 0 then 'not_converged' else _sv_status end as status
    from _sv_figures

)

select * from _sv_final
{%- endmacro %}
