"""Measures graders on the gold set: short episodes whose labels are known by construction."""
