"""The JSON API under `/v1`: one module a subject, each with its `router`."""
