"""The coverage laboratory: which design and which interval hold, measured before a label is paid for.

Populations whose truth is known are sampled again and again, and the intervals of python_udfs, which are those of the
macros, are held against the truth. `prevalence laboratory` runs it and writes docs/laboratory.*.
"""
