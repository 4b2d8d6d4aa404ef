{#- What the demo world knows of each policy.

    shown_share: share of the components shown that come from this policy's borderline contents, before the viewer, the
        surface and the country have their say.
    catalogue_share: share of the contents that are borderline under this policy.
    general_risk: scale of the heavy-tailed risk of all other contents.
    whole_factor: how much more often a whole violates although no part does, relative to shown_share.
    step: factor on shown_share from the fifteenth day on.
    surfaces: factor on shown_share by surface.
-#}
{% macro _world_policies() -%}
    {{ return([
        {
            'policy_id': 'adult_content', 'shown_share': 0.010, 'catalogue_share': 0.020, 'general_risk': '2e-5',
            'whole_factor': 0.05, 'step': 1.0,
            'surfaces': {'search': 1.4, 'feed': 0.7, 'related_pins': 1.1, 'chat': 0.6},
        },
        {
            'policy_id': 'harassment', 'shown_share': 0.012, 'catalogue_share': 0.030, 'general_risk': '3e-5',
            'whole_factor': 0.06, 'step': 1.7,
            'surfaces': {'search': 0.8, 'feed': 1.3, 'related_pins': 0.7, 'chat': 1.2},
        },
        {
            'policy_id': 'misinformation', 'shown_share': 0.022, 'catalogue_share': 0.040, 'general_risk': '5e-5',
            'whole_factor': 0.05, 'step': 1.0,
            'surfaces': {'search': 0.9, 'feed': 1.2, 'related_pins': 0.8, 'chat': 1.1},
        },
        {
            'policy_id': 'self_harm', 'shown_share': 0.004, 'catalogue_share': 0.012, 'general_risk': '8e-6',
            'whole_factor': 0.12, 'step': 1.0,
            'surfaces': {'search': 1.1, 'feed': 0.6, 'related_pins': 0.9, 'chat': 2.2},
        },
    ]) }}
{%- endmacro %}
