"""Where the report's parts find :func:`testbed.sanitize.sanitize`."""

from testbed.sanitize import sanitize

__all__ = ["sanitize"]
