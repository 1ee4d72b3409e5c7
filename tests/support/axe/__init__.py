"""axe-core, for tests; see README.md."""
