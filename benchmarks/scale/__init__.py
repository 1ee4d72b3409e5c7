"""How cost grows: with KPIs, windows, states, values, series and workers; and a model of it."""
