"""The test-suite; it mirrors streams/ and processors/."""
