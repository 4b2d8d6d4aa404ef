{#- Probabilities within a drawn user-day, as closed forms.

With probability f a drawn user-day is taken whole: every interaction and component of it. Otherwise m of its M
interactions are taken by simple random sampling, and of each the first c of its C viewed components by hash number. A cap
that is null does not bind. So a user-day or session is seen whole with probability f, an interaction is taken with
f + (1 - f) min(1, m / M), seen whole with the same where C <= c and with f where not, and a component is taken with
f + (1 - f) min(1, m / M) min(1, c / C). (Two-stage sampling: Sarndal, Swensson and Wretman, Model Assisted Survey
Sampling, section 4.3.)
-#}

{#- f = min(1, m / M) x the share of components within caps: as often whole as caps leave of it, so that what is shown of
a user-day is on average at most twice what the caps allow. Never 0: a user-day has an interaction.

Arguments: bigint expressions. interactions: M; components: viewed components of the user-day; capped_components: of these
the sum of min(c, C) over interactions; interaction_cap: m or null. -#}
{% macro _whole_probability(interactions, components, capped_components, interaction_cap) -%}
    {{ prevalence._share_within_cap(interactions, interaction_cap) }}
        * coalesce(
            cast({{ capped_components }} as double) / nullif(cast({{ components }} as double), 0), cast(1 as double)
        )
{%- endmacro %}

{#- min(1, cap / units); 1 where the cap is null or there is no unit. -#}
{% macro _share_within_cap(units, cap) -%}
    case
            when {{ units }} > {{ cap }} then cast({{ cap }} as double) / cast({{ units }} as double)
            else cast(1 as double)
        end
{%- endmacro %}

{#- f + (1 - f) x share; exactly 1 where share is. -#}
{% macro _whole_or_share(whole_probability, share) -%}
    ({{ whole_probability }} + (1 - {{ whole_probability }}) * {{ share }})
{%- endmacro %}
