-- The share of all turns by the adjudicated label: facts.json gives it among the prompts that a policy is about.
select
    plans.plan_id,
    policies.policy_id,
    policies.violating / policies.interactions as known,
    cast(null as double) as known_std_error
from (
    select
        'unsafe_compliance' as policy_id,
        facts.policies.unsafe_compliance.gold_prevalence * facts.policies.unsafe_compliance.gold_units as violating,
        facts.interactions
    from read_json(getvariable('source') || '/facts.json') as facts
    union all
    select
        'exaggerated_refusal' as policy_id,
        facts.policies.exaggerated_refusal.gold_prevalence * facts.policies.exaggerated_refusal.gold_units as violating,
        facts.interactions
    from read_json(getvariable('source') || '/facts.json') as facts
) as policies
cross join (values ('turns_experts'), ('turns_judge')) as plans (plan_id)
