"""``kpi doctor``: what is set, from where, and what is wrong around it."""
