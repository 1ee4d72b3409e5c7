"""The product beside what a user would otherwise write: one job, one log, one table of figures.

The job: clicks and impressions of every campaign in every 10 seconds of event time.
"""
