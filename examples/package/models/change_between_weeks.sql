-- Posts that were drawn in both weeks carry the covariance.
{{ prevalence.survey_difference(
    relation=ref('labels'),
    y='judge',
    weight='w',
    stratum='stratum',
    psu='post',
    period='week',
    from_period='w1',
    to_period='w2'
) }}
