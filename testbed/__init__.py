"""A testbed for agentic misalignment: from scenario template to verdict to report."""

__version__ = "0.1.0"
