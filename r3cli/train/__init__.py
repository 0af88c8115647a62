"""Training: model, data, exact arithmetic, rounds, verification, aggregation."""
