"""Laws of the keyed processors."""
