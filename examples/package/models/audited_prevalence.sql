-- What the expert says: the judge's labels of all units, corrected by an audit of some.
{{ prevalence.survey_two_phase_estimates(
    relation=ref('labels'),
    y='expert',
    judge='judge',
    phase_1_weight='w',
    phase_1_stratum="week || stratum",
    phase_1_population='stratum_size',
    phase_2_stratum="week || judge",
    phase_2_sampled='audited = 1',
    by=[[], ['week']]
) }}
