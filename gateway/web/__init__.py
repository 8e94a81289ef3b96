"""HTTP by the book: what every request passes, bodies, idempotency, problems."""
