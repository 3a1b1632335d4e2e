"""Training and evaluating the built-in model on synthetic patients."""
