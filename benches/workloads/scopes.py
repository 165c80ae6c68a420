"""How many policies a request meets: those whose scope (principal, action, resource) fits it.

This is what an exact index can narrow a decision down to, and so says how hard a workload is. Not
on any measured path: it reads policies in Cedar's JSON format (`cedarpy.policies_to_json_str`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workloads.workload import Json, Link, Request, Uid, Workload

Above = Mapping[Uid, frozenset[Uid]]


def uid(json: Json) -> Uid:
    inner = json.get("__entity", json)
    return (inner["type"], inner["id"])


def ancestors(entities: Iterable[Json]) -> dict[Uid, frozenset[Uid]]:
    """Each entity with itself and all above it."""
    parents = {uid(each["uid"]): [uid(above) for above in each["parents"]] for each in entities}
    closed: dict[Uid, frozenset[Uid]] = {}

    def close(name: Uid) -> frozenset[Uid]:
        if name not in closed:
            above = (close(parent) for parent in parents.get(name, ()))
            closed[name] = frozenset({name}).union(*above)
        return closed[name]

    for name in parents:
        close(name)
    return closed


def fits(scope: Json, name: Uid, above: frozenset[Uid], slot: Uid | None) -> bool:
    """Whether a scope in Cedar's JSON holds of an entity with these ancestors."""
    if scope["op"] == "All":
        return True
    if scope["op"] == "is":
        inner = scope.get("in")
        fitting = name[0] == scope["entity_type"]
        return fitting and (inner is None or fits({"op": "in", **inner}, name, above, slot))
    if "entities" in scope:
        return any(uid(each) in above for each in scope["entities"])
    target = uid(scope["entity"]) if "entity" in scope else slot
    return name == target if scope["op"] == "==" else target in above


def candidate_counts(
    workload: Workload, policies: Json, requests: Iterable[Request], actions: Iterable[Json] = ()
) -> list[int]:
    """For each request, how many policies' scopes fit; `actions` are the schema's, as entities."""
    above = ancestors([*workload.entities, *actions])
    evaluated: list[tuple[Json, Link | None]] = [
        (each, None) for each in policies["staticPolicies"].values()
    ]
    templates = {each["annotations"]["id"]: each for each in policies["templates"].values()}
    evaluated += [(templates[link.template], link) for link in workload.links]
    memory: dict[tuple[int, int, Uid], bool] = {}

    def holds(number: int, which: int, name: Uid) -> bool:
        key = (number, which, name)
        if key not in memory:
            policy, link = evaluated[number]
            scope = policy[("principal", "action", "resource")[which]]
            slot = None if link is None else (link.principal, None, link.resource)[which]
            memory[key] = fits(scope, name, above.get(name, frozenset({name})), slot)
        return memory[key]

    return [
        sum(
            holds(number, 1, request.action)
            and holds(number, 0, request.principal)
            and holds(number, 2, request.resource)
            for number in range(len(evaluated))
        )
        for request in requests
    ]
