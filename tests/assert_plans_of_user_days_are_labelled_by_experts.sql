-- "Any interaction of the user-day" is not a sum that an audit of some of them could correct, so experts answer all
-- that is shown. Remedy: leave audit_units of the plan null, and choose poisson, pareto or simple_random.
select
    plan_id,
    design,
    audit_units
from {{ ref('stg_sampling_plans') }}
where
    unit_type = 'user_day'
    and (audit_units is not null or design not in ('poisson', 'pareto', 'simple_random'))
