-- What the judge says, as a share of views: a stratified sample with known stratum sizes.
{{ prevalence.survey_estimates(
    relation=ref('labels'),
    y='judge * views',
    x='views',
    weight='w',
    stratum="week || stratum",
    population_psus='stratum_size',
    by=[[], ['country'], ['week', 'country']]
) }}
