-- A set of rates rests on labels of days before the first that it serves, and a frame uses no set before that day. Of
-- one set, all rows serve from the same day, bins cover all scores without gaps, and rates rise with the score.
with

learned_rates as (

    select
        set_number,
        effective_date,
        unit_type,
        policy_id,
        bin_number,
        score_from_millionths,
        score_until_millionths,
        labels,
        positives,
        violation_rate_billionths,
        learned_from,
        learned_until
    from {{ ref('learned_rates') }}

),

neighbours as (

    select
        *,
        lag(score_until_millionths) over bins as previous_until,
        lag(violation_rate_billionths) over bins as previous_rate,
        lead(bin_number) over bins as next_bin,
        min(effective_date) over (partition by set_number) as set_effective_date
    from learned_rates
    window bins as (partition by set_number, unit_type, policy_id order by bin_number)

)

select *
from neighbours
where
    learned_until >= effective_date
    or learned_from > learned_until
    or effective_date <> set_effective_date
    or positives > labels
    or score_from_millionths <> coalesce(previous_until + 1, 0)
    or violation_rate_billionths < coalesce(previous_rate, 1)
    or (next_bin is null and score_until_millionths <> 1000000)
