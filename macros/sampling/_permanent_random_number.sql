{#- Random numbers in [0, 1) that decide draws: hashes of ids, the same on every engine and whenever they are asked for, so
that a draw can be made again. Arguments are string expressions, position a number. `salt` is the salt that the day is drawn under
(frames.frame_plans): each day keeps its own, whatever the var sampling_salt has become since. -#}

{#- What `hash_unit` takes as the salt of a purpose: its text, left open for the expression. -#}
{% macro _salted(salt, purpose) -%}
    ' || {{ salt }} || ':{{ purpose }}
{%- endmacro %}

{#- What has one random number: the unit, or for `days` days the content that it is the unit of, within a stream that
plans may share. A content gets another number every `days` days, and each day a share of 1 / days of the contents does:
which day it is depends on the content. Null `days`: a unit has a number of its own. -#}
{% macro _random_number_key(stream, unit, unit_key, day, days, salt) -%}
    {{ stream }} || '|' || case
            when {{ days }} is null then {{ unit }}
            else
                {{ unit_key }} || '|' || cast(cast(floor((
                    {{ prevalence._days_between("cast('1970-01-01' as date)", day) }}
                    + floor(
                        {{ prevalence.hash_unit(stream ~ " || '|' || " ~ unit_key, prevalence._salted(salt, 'rotation')) }}
                        * {{ days }}
                    )
                ) / cast({{ days }} as double)) as bigint) as string)
        end
{%- endmacro %}

{#- Whether a plan draws a unit: the hash of its key, counted from where the plan starts on the circle of random numbers. -#}
{% macro _permanent_random_number(key, start, salt) -%}
    {%- set number = prevalence.hash_unit(key, prevalence._salted(salt, 'draw')) -%}
    case
            when {{ start }} = 0 then {{ number }}
            when {{ number }} >= {{ start }} then {{ number }} - {{ start }}
            -- the largest double below 1, where rounding would make it 1
            else least({{ number }} - {{ start }} + 1, 1 - power(cast(2 as double), -53))
        end
{%- endmacro %}

{#- Where a draw with replacement falls. -#}
{% macro _draw_random_number(plan, day, number, salt) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || cast(" ~ day ~ " as string) || '|' || cast(" ~ number ~ " as string)",
        prevalence._salted(salt, 'draw_with_replacement')
    ) }}
{%- endmacro %}

{#- Whether a drawn user-day is taken whole. -#}
{% macro _whole_random_number(plan, user_day, salt) -%}
    {{ prevalence.hash_unit(plan ~ " || '|' || " ~ user_day, prevalence._salted(salt, 'whole')) }}
{%- endmacro %}

{#- By which interactions of a user-day are ranked. -#}
{% macro _interaction_random_number(plan, user_day, interaction, salt) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || " ~ user_day ~ " || '|' || " ~ interaction, prevalence._salted(salt, 'interaction')
    ) }}
{%- endmacro %}

{#- By which viewed components of an interaction are ranked. -#}
{% macro _component_random_number(plan, interaction, position, salt) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || " ~ interaction ~ " || '|' || cast(" ~ position ~ " as string)",
        prevalence._salted(salt, 'component')
    ) }}
{%- endmacro %}

{#- Whether an expert sees what the judge calls no violation. Where contents keep their random numbers the audit goes by
the same one, so that a unit is drawn and audited together when its number is below the product of both probabilities, and
what is drawn again is audited again. -#}
{% macro _audit_random_number(plan, policy, unit, days, number, probability, salt) -%}
    case
            when {{ days }} is null
                then {{ prevalence.hash_unit(
                    plan ~ " || '|' || " ~ policy ~ " || '|' || " ~ unit, prevalence._salted(salt, 'audit')
                ) }}
            -- designs of fixed size may draw a unit whose number is above its probability
            else least({{ number }} / {{ probability }}, 1 - power(cast(2 as double), -53))
        end
{%- endmacro %}
