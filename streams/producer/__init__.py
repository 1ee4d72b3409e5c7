"""Publishing events from Python: checked before they are sent, by the worker's own rules."""
