-- The share of all conversations by the expert verdict: facts.json.
select
    'conversations_experts' as plan_id,
    'unsafe_response' as policy_id,
    facts.policies.unsafe_response.gold_prevalence as known,
    cast(null as double) as known_std_error
from read_json(getvariable('source') || '/facts.json') as facts
