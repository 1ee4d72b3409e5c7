"""The live page's terminal sister: KPIs of a running exporter, as they change."""
