{#- CTEs _sv_numbered to _sv_heads, made of _sv_answers: one call of the Python function in each group that can be
solved, and the numbers that it returns.

`spec`: _dawid_skene_spec.sql
-#}
{% macro _dawid_skene_solutions(spec) -%}
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
            cast({{ spec.max_iterations }} as double),
            cast({{ spec.tolerance }} as double),
            cast({{ spec.smoothing }} as double)
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
{%- endmacro %}
