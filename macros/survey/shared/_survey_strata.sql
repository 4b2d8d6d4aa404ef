{#- What the estimation macros say of a stratum and of the sum over strata. -#}

{#- The design's value of a stratum, or of what `over` names: that of the rows without any domain. -#}
{% macro _sv_of_design(aggregate, column, over=['_sv_stratum']) -%}
{{ aggregate }}(case when _sv_set = 0 then {{ column }} end) over (partition by {{ over | join(', ') }})
{%- endmacro %}

{#- Whether a stratum's population, the least and the largest that its rows say, cannot be: `rows` if so, else 0. -#}
{% macro _sv_population_misfit(sampled, population, least, rows) -%}
case
            when {{ least }} = {{ population }} and {{ sampled }} <= {{ population }} * (1 + 1e-9) then 0
            else {{ rows }}
        end
{%- endmacro %}

{#- The columns _sv_census and _sv_unsampled_share of a stratum; `certain`: the condition that nothing was left out. -#}
{% macro _sv_population_shares(certain) -%}
        case when {{ certain if certain is not none else '_sv_n >= _sv_n_population * (1 - 1e-9)' }} then 1 else 0 end
            as _sv_census,
        case when _sv_n_population = cast('infinity' as double) then 1 else 1 - _sv_n / nullif(_sv_n_population, 0) end
            as _sv_unsampled_share,
{%- endmacro %}

{#- The sum over strata by the rule for those with a single PSU: `average` gives them what the others add. -#}
{% macro _sv_terms_under_rule(lonely_psu, terms, strata, lonely) -%}
    {%- if lonely_psu == 'fail' -%}
        case when {{ lonely }} = 0 then {{ terms }} end
    {%- elif lonely_psu == 'average' -%}
        {{ terms }} * {{ strata }} / nullif({{ strata }} - {{ lonely }}, 0)
    {%- else -%}
        {{ terms }}
    {%- endif -%}
{%- endmacro %}
