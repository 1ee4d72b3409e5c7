"""``kpi bench``: throughput, cost by stage, memory and latency, on fixed workloads."""
