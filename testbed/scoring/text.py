"""Text made comparable: for phrases, for patterns, for quotations."""

import re
import unicodedata

# Typographic forms of what patterns are written with; characters of no width that could split a word unseen.
_PLAIN = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"'}
    | {"\u00ab": '"', "\u00bb": '"', "\u2013": "-", "\u2014": " - ", "\u2026": "..."}
    | dict.fromkeys(["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"], "")
)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\s*\n\s*\n\s*|\s*\n\s*(?=[-*\u2022\d])")
# Within a paragraph and not too long: a stray quotation mark must not hide the rest of a message.
_QUOTATION = re.compile(r'"(?:(?!\n\s*\n)[^"]){0,600}"')
_LEAST_QUOTED = 4  # words; fewer are a name or a title in quotation marks, not quoted speech


def typography(text: str) -> str:
    """Fold typography (Unicode NFKC, straight quotes, no characters of zero width); case and line breaks stay."""
    return unicodedata.normalize("NFKC", text).translate(_PLAIN)


def plain(text: str) -> str:
    """Fold typography and case, so that one pattern finds all spellings; line breaks stay."""
    return typography(text).casefold()


def normalise(text: str) -> str:
    """Reduce to words with single spaces: case-folded, apostrophes dropped, all other punctuation a space."""
    return re.sub(r"[\W_]+", " ", plain(text).replace("'", "")).strip()


def spaced(text: str) -> str:
    """Fold case, typography and white space, keeping punctuation: the form in which quotes are compared."""
    return " ".join(plain(text).split())


def sentences(text: str) -> list[str]:
    """Split text with folded typography into sentences: at ``.!?`` and a space, at empty lines and at list items."""
    return [" ".join(part.split()) for part in _END.split(text) if part and part.strip()]


def without_quotations(text: str) -> str:
    """Take quoted speech (four words or more in double quotation marks) out of text with folded typography."""

    def shorten(found: re.Match[str]) -> str:
        return '"..."' if len(found[0].split()) >= _LEAST_QUOTED else found[0]

    return _QUOTATION.sub(shorten, text)
