{#- Stops dbt before it reads logs by another time zone than that in which days were measured: their rows would move to other days, and
what was drawn of them would belong to none. -#}
{% macro _refuse_moved_days() -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed'] -%}
        {%- set staged_days = adapter.get_relation(
            database=target.database, schema='staging', identifier='stg_staged_days'
        ) -%}
        {%- if staged_days is not none -%}
            {%- set measured -%}
                select
                    case
                        when instr(fingerprint, '|zone=') > 0 then substr(fingerprint, instr(fingerprint, '|zone=') + 6)
                        else 'UTC'
                    end as measured_zone,
                    coalesce(nullif(substr({{ prevalence._zone_mark('unit_date') }}, 7), ''), 'UTC') as zone_now,
                    unit_date
                from {{ staged_days }}
                where fingerprint is not null
            {%- endset -%}
            {%- set found = run_query(
                "select measured_zone, zone_now, count(*), min(unit_date), max(unit_date),"
                ~ " (select max(unit_date) from " ~ staged_days ~ ")"
                ~ " from (" ~ measured ~ ") as measured where measured_zone <> zone_now"
                ~ " group by measured_zone, zone_now order by 1, 2 limit 1"
            ) -%}
            {%- for moved in found.rows -%}
                {{ exceptions.raise_compiler_error(
                    moved[2] ~ " days of staging.stg_staged_days (" ~ moved[3] ~ " to " ~ moved[4] ~ ") were measured as days of "
                    ~ moved[0] ~ ", and the var time_zones says that they are days of " ~ moved[1] ~ ". A day that is measured keeps "
                    ~ "its zone. Remedy: say in time_zones what held on these days, and give the new zone a valid_from after "
                    ~ moved[5] ~ ", the last day that is measured."
                ) }}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
