"""Many nights of a small world: logs come and go, policies, plans and judges change, answers are late and wrong.

`prevalence nights short` runs the product once for each night of a timeline (a CSV file beside this one: which night brings which event), as a
scheduler would, and checks after each night what must hold whatever happens: what is for ever has not changed, and every published figure is
what an independent recomputation from stored draws and the labelers' answers gives.
"""
