"""Model output is untrusted: what a terminal would act on, or a reader would not see, is written out."""

import unicodedata

# Joiners that scripts and emoji need; without effect elsewhere.
_JOINERS = "\u200c\u200d"


def sanitize(text: str) -> str:
    r"""Make control characters, escapes, invisible and direction-changing characters visible.

    Line ends become ``\n``; tabs stay. Other ASCII controls become their pictures (``␛`` for escape), everything else
    that Unicode calls a control, format, private, unassigned or surrogate character becomes ``<U+202E>``.

    Args:
        text: Any text, such as a model's.

    Returns:
        Text that is safe to print. Markup such as ``[red]`` stays as it is: show it with ``rich.text.Text``, which
        does not interpret it.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_show(character) for character in text)


def _show(character: str) -> str:
    if character.isprintable() or character in "\n\t" or character in _JOINERS:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return character if unicodedata.category(character) == "Zs" else f"<U+{code:04X}>"
