"""What a server's base URL must look like."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from testbed.errors import TestbedError


def check_url(url: str, whose: str) -> None:
    """Refuse a base URL that no request can be sent to, or that holds credentials: it is stored in the ledger.

    Args:
        url: The URL; no message shows it, for what is wrong with it may be the password in it.
        whose: Names the URL in the message, such as ``--base-url``.

    Raises:
        TestbedError: One sentence on what is wrong.
    """
    parts = _split(url)
    if "@" in (parts.netloc if parts else url):
        raise TestbedError(f"{whose} holds credentials (user:password@): put the key into an environment variable.")
    if parts is None:
        raise TestbedError(
            f"{whose} is no URL of a server: write http:// or https://, a host, and a port and path as needed, "
            f"such as http://localhost:8000/v1."
        )
    if parts.query or parts.fragment:
        raise TestbedError(f"{whose} must end with the path: a query ('?') or fragment ('#') cannot be used.")


def _split(url: str) -> SplitResult | None:
    """Take a URL apart; ``None`` if it has no web scheme, host or possible port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        ip_address(host) if "[" in parts.netloc else host.encode("idna")
    except ValueError:  # an address, a port or a host name that cannot be
        return None
    clean = url.isprintable() and not any(character.isspace() for character in url)
    return parts if clean and parts.scheme in ("http", "https") and host and port != 0 else None
