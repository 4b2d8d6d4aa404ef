-- The share of the whole set by the published majority class: facts.json.
select
    plans.plan_id,
    policies.policy_id,
    policies.known,
    cast(null as double) as known_std_error
from (
    select
        'hate_speech' as policy_id,
        facts.policies.hate_speech.gold_prevalence as known
    from read_json(getvariable('source') || '/facts.json') as facts
    union all
    select
        'hate_or_offensive' as policy_id,
        facts.policies.hate_or_offensive.gold_prevalence as known
    from read_json(getvariable('source') || '/facts.json') as facts
) as policies
cross join (values ('tweets_experts'), ('tweets_judge')) as plans (plan_id)
