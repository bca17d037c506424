"""Model organisms: data, training, and the evaluations of them."""
