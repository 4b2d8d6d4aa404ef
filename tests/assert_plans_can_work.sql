-- A plan that cannot work is refused before anything is drawn: draw_units waits for this test. `message` names what is
-- wrong and what to do.
select
    plan_id,
    problem,
    message
from {{ ref('plan_problems') }}
where severity > 1
