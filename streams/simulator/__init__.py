"""Seeded, believable shop, advertising and support traffic. Pure: no I/O, no clock."""
