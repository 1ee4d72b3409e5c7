"""The tables: every partition's panes, keyed state and progress, in Redis or in memory."""
