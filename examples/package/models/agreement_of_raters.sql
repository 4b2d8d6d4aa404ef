{{ prevalence.rater_agreement(relation=ref('answers'), item='post', rater='rater', label='answer') }}
