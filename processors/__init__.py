"""The pure core: from decoded records to KPI values, without I/O, clocks or randomness."""
