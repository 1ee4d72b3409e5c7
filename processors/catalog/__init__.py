"""The catalogue of KPIs: one YAML file a family, its model, loader and checks."""
