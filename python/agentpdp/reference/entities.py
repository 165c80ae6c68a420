"""The entities that are known, and who is in which group.

Only parents are kept; ancestors are found by walking up. A parent that is not itself stored still
counts as an ancestor, but leads no further. The hierarchy never has a cycle. A store never changes:
`upserted` and `removed` give a new one, so a change happens wholly or not at all.

Twin: rust/core/src/entities.rs. Read next: expression.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .value import EntityUid, Value, check


@dataclass(frozen=True)
class Entity:
    uid: EntityUid
    attributes: Mapping[str, Value]
    parents: frozenset[EntityUid]
    tags: Mapping[str, Value]


@dataclass(frozen=True)
class Entities:
    stored: Mapping[EntityUid, Entity] = field(default_factory=dict)

    def ancestors(self, uid: EntityUid) -> set[EntityUid]:
        found: set[EntityUid] = set()
        waiting = [uid]
        while waiting:
            entity = self.stored.get(waiting.pop())
            new = entity.parents - found if entity else frozenset()
            found |= new
            waiting.extend(new)
        return found

    def is_in(self, uid: EntityUid, group: EntityUid) -> bool:
        """Whether an entity is that group or below it; everything is in itself."""
        return uid == group or group in self.ancestors(uid)

    def upserted(self, entities: Iterable[Entity]) -> Entities:
        """With these entities, each in place of all that had its uid; the last one counts."""
        new = {entity.uid: entity for entity in entities}
        result = Entities({**self.stored, **new})
        for uid in new:
            check(uid not in result.ancestors(uid), "entity_cycle", f"{uid} is its own ancestor")
        return result

    def removed(self, uids: Iterable[EntityUid]) -> Entities:
        """Without these entities and the edges to them; adding one again brings no edge back.

        A uid that is not stored is skipped, and edges to it stay.
        """
        gone = self.stored.keys() & set(uids)
        kept = [entity for entity in self.stored.values() if entity.uid not in gone]
        return Entities({each.uid: replace(each, parents=each.parents - gone) for each in kept})
