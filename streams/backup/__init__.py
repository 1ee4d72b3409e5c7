"""A namespace's tables as one file, and back."""
