"""Statistics of rates."""
