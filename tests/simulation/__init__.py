"""Simulated partitions: crashes, roll-backs, zombies and cuts, against a recomputation."""
