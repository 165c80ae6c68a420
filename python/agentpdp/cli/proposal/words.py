"""Which words are in a name, and which of them are verbs and nouns?

Tool lists have no grammar but their names: ``get_open_orders``, ``orders.list``,
``mail__sendDraft``. A word that is in no list here is unknown, and what is unknown is taken for
harmful.

Read next: ``impact.py``, ``arguments.py``.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SEPARATOR = re.compile(r"__|[./:]")


def word_set(text: str) -> frozenset[str]:
    """A set of words, as it is easiest to read and to change."""
    return frozenset(text.split())


READS = word_set(
    """
    get list read search find fetch show view describe check count query lookup look retrieve
    browse summarize compare calculate compute preview estimate inspect peek status whoami
    analyze explain diff tail head ping monitor scan watch load see return returns provide
    """
)
WRITES = word_set(
    """
    create add update set delete remove edit write append move rename cancel schedule reserve
    book pay transfer approve reject assign close open reopen merge save store put patch insert
    replace modify change reset enable disable install uninstall deploy start stop restart kill
    revoke grant archive restore mark order buy purchase sell refund withdraw deposit commit
    rollback register lock unlock clear purge drop truncate import make copy rotate submit
    confirm complete accept decline activate deactivate adjust schedule subscribe unsubscribe
    """
)
# Contacts somebody, and what is handed over may leave the organisation.
REACHES = word_set(
    """
    send mail email message post publish notify invite reply forward share tweet comment upload
    export call dial broadcast announce submit text sms webhook push
    """
)
# Anything may happen.
RUNS = word_set(
    """
    run execute exec eval invoke shell bash terminal script trigger dispatch
    """
)

_PREPOSITIONS = word_set("in for by from to of with at on per via as into within between and")
_QUALIFIERS = word_set(
    """
    all my the a an new old current recent most latest next last available open day single many
    batch bulk full detailed rating average
    """
)
_EMPTY_NOUNS = word_set(
    """
    info information detail details data list item items record records content contents name
    names result results history status
    """
)
_VERBS = READS | WRITES | REACHES | RUNS


def words(name: str) -> list[str]:
    """The words of a name, in small letters: ``sendDraft_v2`` is send, draft, v, 2."""
    return [word.lower() for word in _WORD.findall(name)]


def namespace(name: str) -> str | None:
    """What stands before the tool's own name: ``mail`` of ``mail__sendDraft`` and ``mail.send``."""
    parts = [part for part in _SEPARATOR.split(name) if part]
    return parts[0] if len(parts) > 1 else None


def own_name(name: str) -> str:
    """The tool's name without its namespace."""
    parts = [part for part in _SEPARATOR.split(name) if part]
    return "_".join(parts[1:]) if len(parts) > 1 else name


def verbs(name: str) -> list[str]:
    """The verb that a name begins or, failing that, ends with, where that is a known one."""
    found = words(own_name(name))
    if found and found[0] in _VERBS:
        return [found[0]]
    return [found[-1]] if found and found[-1] in _VERBS else []


def stem(word: str) -> str:
    """The plain form of a verb in a sentence: ``sends`` is send, ``modifies`` is modify."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending):
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def singular(word: str) -> str:
    """One of them: ``deliveries`` is delivery, ``boxes`` is box, ``address`` stays."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def nouns(name: str) -> list[str]:
    """What a tool is about: ``update_scheduled_orders_for_user`` is order."""
    found = words(own_name(name))
    if found and found[0] in _VERBS:
        found = found[1:]
    elif found and found[-1] in _VERBS:
        found = found[:-1]
    phrase: list[str] = []
    for word in found:
        if word in _PREPOSITIONS and phrase:
            break
        phrase.append(word)
    kept = [
        singular(word)
        for word in phrase
        if word not in _QUALIFIERS and not word.isdigit() and not word.endswith("ed")
    ]
    while len(kept) > 1 and kept[-1] in _EMPTY_NOUNS:
        kept.pop()
    return kept


def type_name(noun: str) -> str:
    """A noun as the name of an entity type: ``order line`` is OrderLine."""
    return "".join(word.capitalize() for word in words(noun)) or "Thing"
