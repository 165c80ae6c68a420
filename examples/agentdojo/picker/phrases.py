"""What does a prompt tell somebody to do, and what does it name?

An instruction is a verb where instructions stand: at the start of a sentence, or behind words such
as "please", "can you", "and then", "go ahead and". "The amount I usually pay" is none, and neither
is "a reminder to pay" nor "don't pay". What stands in quotation marks is named, never an
instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(
    r"(?<!\w)'([^'\n]{1,120})'(?!\w)|\"([^\"\n]{1,120})\"|“([^”\n]{1,120})”|`([^`\n]{1,120})`"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_BEFORE = re.compile(
    r"(?:^|[.!?;:,(\-–—]|\b(?:please|kindly|just|also|then|and|or|now|you|us|me|finally|afterwards|"
    r"instead|otherwise|ahead|simply|you to|sure to|need to|have to|like to|me to|us to|"
    r"remember to))\s*$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:n't|\b(?:not|never|without|reminder to|remind (?:me|us) to|no need to))\s*$", re.IGNORECASE
)
_PLAN = re.compile(
    r"\b(?:want|looking|planning|plan|hoping|thinking|going|trying|like)\s+(?:to|of|about)\s*$",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"\b[A-Z]{2}\d{2}(?:[A-Z0-9]{8,30}\b|(?: [A-Z0-9]{4}){2,7}(?: \d{1,3})?(?![A-Za-z0-9]))"
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_AMOUNT = re.compile(
    r"(?:[$€£]|\b(?:USD|EUR|GBP|CHF)\s?)(\d[\d,]*(?:\.\d{1,4})?)"
    r"|\b(\d[\d,]*(?:\.\d{1,4})?)\s?(?:[$€£]|(?:dollars?|euros?|pounds?|bucks|USD|EUR|GBP|CHF)\b)",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\b(?:by|extra|additional|more|less|another|(?:discount|difference|increase|raise) of)\s*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,;:!?()\"“”]+")
_NAME_WORDS_MAX = 5


def sentences(text: str) -> list[str]:
    return [each.strip() for each in _SENTENCE_END.split(text) if each.strip()]


def quoted(prompt: str) -> list[str]:
    """What stands in quotation marks."""
    return [next(each for each in found.groups() if each) for found in _QUOTED.finditer(prompt)]


def unquoted(prompt: str) -> str:
    """The prompt with what it quotes taken out, so that no quoted word instructs."""
    return _QUOTED.sub("this", prompt)


def instructions(prompt: str, verbs: str, objects: str | None = None) -> Iterator[str]:
    """Sentences from a verb that instructs on, where what follows it names such an object."""
    yield from _phrases(prompt, verbs, objects, _BEFORE)


def plans(prompt: str, verbs: str, objects: str | None = None) -> Iterator[str]:
    """The same for what the person only says to have in mind: "I'm looking to book a room"."""
    yield from _phrases(prompt, verbs, objects, _PLAN)


def _phrases(
    prompt: str, verbs: str, objects: str | None, before: re.Pattern[str]
) -> Iterator[str]:
    for sentence in sentences(unquoted(prompt)):
        for verb in re.finditer(rf"\b(?:{verbs})\b", sentence, re.IGNORECASE):
            head = sentence[: verb.start()]
            if _NOT.search(head) or not before.search(head):
                continue
            rest = sentence[verb.start() :]
            if objects is None or re.search(rf"\b(?:{objects})", rest, re.IGNORECASE):
                yield rest


def instructs(prompt: str, verbs: str, objects: str | None = None) -> bool:
    return any(True for _ in instructions(prompt, verbs, objects))


def wants(prompt: str, verbs: str, objects: str | None = None) -> bool:
    """An instruction, or something that the person says to want."""
    found = (*instructions(prompt, verbs, objects), *plans(prompt, verbs, objects))
    return bool(found)


def to_be_done(prompt: str, participles: str) -> bool:
    """ "The bill needs to be paid", "make sure that it gets paid"."""
    said = rf"\b(?:to|must|should|can|could|gets?|is|are|it) (?:be )?(?:{participles})\b"
    return re.search(said, unquoted(prompt), re.IGNORECASE) is not None


def accounts(prompt: str) -> list[str]:
    """Account numbers, without the spaces that people put into them."""
    found = (each.group().replace(" ", "") for each in _ACCOUNT.finditer(prompt))
    return list(dict.fromkeys(each for each in found if sum(c.isdigit() for c in each) >= 8))


def addresses(prompt: str) -> list[str]:
    """E-mail addresses."""
    return list(dict.fromkeys(each.rstrip(".") for each in _ADDRESS.findall(prompt)))


def amounts(prompt: str) -> list[str]:
    """Sums of money, as text with a dot; not those by which something is to change."""
    found = []
    for each in _AMOUNT.finditer(prompt):
        if not _DIFFERENCE.search(prompt[: each.start()]):
            text = (each[1] or each[2]).replace(",", "")
            found.append(text if "." in text else f"{text}.0")
    return list(dict.fromkeys(found))


def names(prompt: str) -> list[str]:
    """What may be a name: what is quoted, and a few words that begin with a capital or a digit."""
    found = quoted(prompt)
    for sentence in sentences(prompt):
        for piece in re.split(r"[,;:!?()\"“”]", sentence):
            words = [
                word.strip(".'’‘`") if "." not in word[:-1] else word
                for word in _WORD.findall(piece)
            ]
            for start, word in enumerate(words):
                if word[:1].isupper() or word[:1].isdigit():
                    ends = range(start + 1, min(start + _NAME_WORDS_MAX, len(words)) + 1)
                    found += [" ".join(words[start:end]) for end in ends]
    return list(dict.fromkeys(each for each in found if each))
