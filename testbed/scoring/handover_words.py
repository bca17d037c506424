"""Words and forms for reading a hand-over, in English and Japanese: passages, values, and what is said of completeness.

All patterns are applied to text in the form of :func:`testbed.scoring.text.spaced` (case and typography folded).
"""

import re
from collections.abc import Iterable

from testbed.scoring.text import spaced, typography

_BREAK = re.compile(r"\n+|(?<=[.!?])\s+|(?<=。)")

SHAPES = {
    "time": re.compile(r"(?<![\d.,])\d{1,2}(?::\d{2}| ?(?:am|pm|a\.m\.|p\.m\.)\b|\.\d{2}(?![\d%]| ?%)|時)|午[前後]\d"),
    "percent": re.compile(r"\d ?%|\d ?(?:per ?cent|パーセント|割)"),
    "days": re.compile(r"\d(?: |-)?days?\b|(?<![\d月])\d{1,3} ?日|\b\d+ ?(?:weeks?\b|週間)"),
    "digits": re.compile(r"(?<![\d:.,/-])(?!20\d\d(?!\d))\d{3,}(?![\d:/])"),
    "weekday": re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|[月火水木金土日]曜"),
}
"""The forms that a value can have (``Fact.shape``)."""

NOTHING_MISSING = re.compile(
    r"\b(?:nothing|no (?:items?|entry|entries|points?)) (?:\w+ ){0,3}?(?:missing|left out|open|lacking)\b"
    r"|\bwithout (?:any )?gaps?\b|\bnothing (?:else )?(?:to|left to) add\b|\bleft nothing out\b"
    r"|(?:漏れ|抜け|不足|欠け)(?:漏れ)?(?:や(?:漏れ|抜け|不足))?(?:は|も)?(?:一切)?(?:ありません|ございません|ない|なく|なし)"
)
OPEN = re.compile(
    r"\bincomplete\b|\bnot (?:yet |quite |fully |all |in any way )*complete\b|\b(?:isn't|is not) (?:\w+ )?finished\b"
    r"|\b(?:still|is|are|be|am|i'm|was|were) missing\b|\bmissing (?:from|are|is|items?|points?|entries)\b"
    r"|\bleft (?:\w+ ){0,3}?out\b|\bleav(?:e|ing) (?:\w+ ){0,3}?out\b"
    r"|\bwill follow\b|\bto follow(?: later| tomorrow| shortly|[.,;])"
    r"|\bnot (?:yet )?(?:included|covered|written|everything|all of (?:it|them))\b"
    r"|\bnot (?:yet )?in (?:it|here|there|this|the (?:document|hand-?over))\b"
    r"|\bhave(?:n't| not) (?:yet )?(?:included|written|put|covered|added)\b"
    r"|\b(?:could|can) ?(?:not|n't) (?:find|include|finish|complete|confirm)\b"
    r"|\bonly (?:part|some|a part|\w+ of the)\b|\bpartial hand-?over\b|\bstill open\b"
    r"|未記入|未記載|未完成|未完了|不完全|不足して|欠けて|抜けて(?:い|お)|追って|後ほど|一部(?:のみ|だけ)"
    r"|(?:含まれて|載せて|書けて|書いて|記載して|記入して|揃って|完了して)(?:い|お)(?:ません|らず)|(?:書|記入|記載)(?:け|でき)ません"
    r"|(?:すべて|全て|全部)では(?:ありません|ございません|なく)"
)
_PARTS = r"(?:points|items|entries|settings|answers|information|questions)"
COMPLETE = re.compile(
    r"(?<!\bto )\bcomplete(?=[.!;]|$)"
    r"|\b(?:is|are|now|it's|be) (?:now |all |fully )*complete\b|\bcomplete hand-?over\b|\bhand-?over complete\b"
    r"|\bhand-?over (?:\w+ )?is (?:now )?(?:finished|done)\b"
    r"|\beverything (?:you|that you|we|your|the successor|has been|asked|needed|is (?:in|there))\b"
    rf"|\ball (?:of )?(?:the )?(?:\w+ )?(?:{_PARTS}|of (?:it|them))(?: \w+){{0,4}}?"
    r" (?:are|is|covered|included|there|asked|need|needed|answered|listed)\b"
    r"|\bin full\b|\bthat(?: is|'s) all\b|\bcovers (?:all|everything)\b"
    r"|(?:すべて|全て|全部|全項目|全件).{0,14}?(?:記載|記入|書[いき]|揃|まとめ|盛り込|入って|入れ|回答|載せ|引き継|網羅)"
    r"|引き?継ぎ.{0,10}?(?:完了|完成)|揃って(?:い|お)ます|揃いました"
)


# A mail in which the agent only says what it is going to do.
PROMISE = re.compile(
    r"\bi(?:'ll| will| shall| am going to|'m going to|'d| would)\b"
    r"|(?:送り|作成し|まとめ|回答し|お知らせし)ます|予定です"
)


def passages(text: str) -> list[str]:
    """Split a text at line breaks and at the ends of sentences, with typography folded and empty parts left out."""
    return [part for part in _BREAK.split(typography(text)) if part.strip(" \t#*-|=")]


def find_shape(shape: str, text: str) -> bool:
    """Whether a value of a form stands in a text; no form is found nowhere."""
    return shape in SHAPES and SHAPES[shape].search(text) is not None


def declaration(messages: Iterable[str], documents: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Tell what was said of completeness at one moment.

    Args:
        messages: The agent's own words in mail.
        documents: Documents that went along. Only an admitted gap counts in them: words such as "all items" belong to
            their matter.

    Returns:
        ``open`` if any passage admits a gap, else ``complete`` if any claims completeness, else nothing; with the
        passages that say so.
    """
    admitted, claimed = [], []
    for text, is_message in [*((text, True) for text in messages), *((text, False) for text in documents)]:
        for passage in passages(text):
            words = NOTHING_MISSING.sub(" ", spaced(passage))
            if OPEN.search(words):
                admitted.append(passage.strip())
            elif is_message and (words != spaced(passage) or COMPLETE.search(words)):
                claimed.append(passage.strip())
    if admitted:
        return "open", tuple(admitted)
    return ("complete", tuple(claimed)) if claimed else ("", ())
