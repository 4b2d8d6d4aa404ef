-- A plan that cannot work draws nothing (quality.held_plan_days), and the others do: a warning in a plain `dbt build`.
-- `message` names what is wrong and what to do.
{{ config(severity='warn') }}

select
    plan_id,
    problem,
    message
from {{ ref('plan_problems') }}
where severity > 1
