"""What users say of answers, and which of it may be learned from. Knows neither the lake nor Dagster."""
