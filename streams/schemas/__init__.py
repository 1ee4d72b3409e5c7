"""The event contract as documents, generated from the structs that the worker decodes with."""
