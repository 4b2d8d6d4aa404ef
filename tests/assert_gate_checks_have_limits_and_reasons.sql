-- Each check of the gates has a limit, and each limit a reason; `prevalence gate` names the line of a row that has not.
select
    gate_name,
    check_name
from {{ ref('gate_checks') }}
where
    coalesce(warning_lower, warning_upper, blocking_lower, blocking_upper) is null
    or (coalesce(warning_lower, warning_upper) is null) != (why_warning is null)
    or (coalesce(blocking_lower, blocking_upper) is null) != (why_blocking is null)
