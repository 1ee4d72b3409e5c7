"""Recomputing a range of the log beside the live figures."""
