{#- Random numbers in [0, 1) that decide draws: hashes of ids, the same on every engine and whenever they are asked for, so
that a draw can be made again. Arguments are string expressions, position a number. -#}

{#- Whether a plan draws a unit. -#}
{% macro _permanent_random_number(plan, unit) -%}
    {{ prevalence.hash_unit(plan ~ " || '|' || " ~ unit, var('sampling_salt') ~ ':draw') }}
{%- endmacro %}

{#- Where a draw with replacement falls. -#}
{% macro _draw_random_number(plan, day, number) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || cast(" ~ day ~ " as string) || '|' || cast(" ~ number ~ " as string)",
        var('sampling_salt') ~ ':draw_with_replacement'
    ) }}
{%- endmacro %}

{#- Whether a drawn user-day is taken whole. -#}
{% macro _whole_random_number(plan, user_day) -%}
    {{ prevalence.hash_unit(plan ~ " || '|' || " ~ user_day, var('sampling_salt') ~ ':whole') }}
{%- endmacro %}

{#- By which interactions of a user-day are ranked. -#}
{% macro _interaction_random_number(plan, user_day, interaction) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || " ~ user_day ~ " || '|' || " ~ interaction, var('sampling_salt') ~ ':interaction'
    ) }}
{%- endmacro %}

{#- By which viewed components of an interaction are ranked. -#}
{% macro _component_random_number(plan, interaction, position) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || " ~ interaction ~ " || '|' || cast(" ~ position ~ " as string)",
        var('sampling_salt') ~ ':component'
    ) }}
{%- endmacro %}

{#- Whether an expert sees what the judge calls no violation. -#}
{% macro _audit_random_number(plan, policy, unit) -%}
    {{ prevalence.hash_unit(
        plan ~ " || '|' || " ~ policy ~ " || '|' || " ~ unit, var('sampling_salt') ~ ':audit'
    ) }}
{%- endmacro %}
