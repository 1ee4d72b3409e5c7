"""The command ``kpi``: one module a command, imported only when it runs."""
