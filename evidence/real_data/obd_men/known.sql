-- The click rate under a uniform choice, self-normalised, and its linearised standard error: facts.json.
select
    'impressions_random' as plan_id,
    'clicked' as policy_id,
    facts.policies.clicked__random.uniform_policy_estimates.hajek_snipw as known,
    facts.policies.clicked__random.uniform_policy_estimates.hajek_linearized_se as known_std_error
from read_json(getvariable('source') || '/facts.json') as facts
union all
select
    'impressions_bts' as plan_id,
    'clicked' as policy_id,
    facts.policies.clicked__bts.uniform_policy_estimates.hajek_snipw as known,
    facts.policies.clicked__bts.uniform_policy_estimates.hajek_linearized_se as known_std_error
from read_json(getvariable('source') || '/facts.json') as facts
