"""The planner: what a plan is expected to give and to cost, before a label is bought.

SQL reduces a day's frame to cells (models/planning/plan_cells.sql); everything here is arithmetic on those sums.
`prevalence plan` prints it, draws it and stores it in planning.plan_expectations.
"""
