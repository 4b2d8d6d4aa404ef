{#- How much more of a policy's borderline contents a surface shows than the average. -#}
{% macro _world_surface_factor(policy) -%}
    case surface
        {%- for surface, factor in policy.surfaces.items() %}
        when '{{ surface }}' then cast({{ factor }} as double)
        {%- endfor %}
    end
{%- endmacro %}
