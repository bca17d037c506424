"""The errors a person can mend: one clear sentence each, shown without a traceback."""


class TestbedError(Exception):
    """A mistake in what the user gave (a name, a file, an option); the command exits with code 2."""

    __test__ = False  # the name starts with "Test": keep pytest from collecting it


class PackError(TestbedError):
    """A scenario pack that cannot be used; the message names file, line and field."""


class LedgerError(TestbedError):
    """A ledger that cannot be opened, read or written."""
