{#- Parts that a broken limit holds back: the limits of seeds/gate_checks.csv that block and say in `holds` what they hold back, applied in
SQL to the same small tables that the gates validate. What is held back is decided here alone, so that a plain `dbt build` holds the
same parts as a run; the gates report it.

One row per part and check, the value farthest outside the limit first: check_name, holds, plan_id, policy_id, sample_date (each null
where the limit is not about it), table_name, column_name, observed, expected and remedy.

Arguments:
    gate: name of the gate.
    tables: list of what is looked at: `name` as in the seed gate_tables, `relation` (default: the name), `columns`, and where the table has
        them `day` (its date column), `has_plan`, `has_policy`.
    checks: name of the relation or CTE with the rows of the seed.
-#}
{% macro _broken_limits(gate, tables, checks='gate_checks') -%}
with

_looked_at as (

    {% for table in tables -%}{% set table_loop = loop -%}
    {% for column in table.columns -%}
    select
        '{{ table.name }}' as table_name,
        '{{ column }}' as column_name,
        {{ 'plan_id' if table.has_plan else 'cast(null as string) as plan_id' }},
        {{ 'policy_id' if table.has_policy else 'cast(null as string) as policy_id' }},
        {{ 'cast(' ~ table.day ~ ' as date)' if table.day else 'cast(null as date)' }} as sample_date,
        cast({{ column }} as double) as observed
    from {{ table.relation or table.name }}
    {% if not (loop.last and table_loop.last) -%}
    union all

    {% endif -%}
    {% endfor -%}{% endfor %}
),

_limits as (

    select *
    from {{ checks }}
    where gate_name = '{{ gate }}' and holds is not null and coalesce(blocking_lower, blocking_upper) is not null

),

-- what is no number is as null, which fails where a figure must be
_compared as (

    select
        _limits.check_name,
        _limits.holds,
        case when _limits.holds in ('plan', 'plan_day', 'plan_policy', 'plan_policy_day') then _looked_at.plan_id end
            as plan_id,
        case when _limits.holds in ('policy', 'plan_policy', 'plan_policy_day') then _looked_at.policy_id end as policy_id,
        case when _limits.holds in ('day', 'plan_day', 'plan_policy_day') then _looked_at.sample_date end as sample_date,
        _looked_at.table_name,
        _looked_at.column_name,
        case when not isnan(_looked_at.observed) then _looked_at.observed end as observed,
        _limits.expected,
        _limits.remedy,
        case
            when _looked_at.observed is null or isnan(_looked_at.observed)
                then case when not _limits.may_be_null then cast(1e300 as double) end
            else
                nullif(
                    greatest(
                        coalesce(_limits.blocking_lower - _looked_at.observed, cast(0 as double)),
                        coalesce(_looked_at.observed - _limits.blocking_upper, cast(0 as double))
                    ),
                    0
                )
        end as _distance
    from _looked_at
    inner join _limits
        on
            _looked_at.table_name = _limits.table_name
            and _looked_at.column_name = _limits.column_name

)

select
    check_name,
    holds,
    plan_id,
    policy_id,
    sample_date,
    table_name,
    column_name,
    observed,
    expected,
    remedy
from _compared
where _distance > 0
qualify row_number() over (
    partition by check_name, plan_id, policy_id, sample_date
    order by _distance desc, observed asc
) = 1
{%- endmacro %}
