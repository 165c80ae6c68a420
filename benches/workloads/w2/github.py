"""github: five rising permissions on a repository, and three that its owning organisation gives.

An action that is allowed by a higher permission is a member of it: `read` in `triage` in `write` in
`maintain` in `admin`. In hierarchy's form a permission is an entity that people and teams are in.
"""

from __future__ import annotations

from workloads.draw import Draw
from workloads.w2.graph import Graph
from workloads.workload import Json, Link, Uid, entity, reference

LEVELS = ("read", "triage", "write", "maintain", "admin")
ORGANIZATION_LEVELS = ("read", "write", "admin")
ACTIONS = dict.fromkeys(LEVELS, "Repository")


def scope(level: str) -> str:
    return f'action {"==" if level == "read" else "in"} Action::"{level}"'


def policies(templates: bool) -> str:
    lines: list[str] = []
    for level in LEVELS:
        lines.append(f'@id("{level}")')
        if templates:
            lines.append(
                f"permit (principal in ?principal, {scope(level)}, resource == ?resource);"
            )
        else:
            lines.append(f"permit (principal, {scope(level)}, resource)")
            lines.append(f"when {{ principal in resource.{level}ers }};")
    for level in ORGANIZATION_LEVELS:
        lines.append(f'@id("owner-{level}")')
        lines.append(f"permit (principal, {scope(level)}, resource)")
        lines.append(f"when {{ principal in resource.owner.{level}ers }};")
    return "\n".join(lines) + "\n"


def schema(templates: bool) -> str:
    of_repository = "" if templates else "".join(f", {level}ers: Permission" for level in LEVELS)
    of_owner = ", ".join(f"{level}ers: OwnerPermission" for level in ORGANIZATION_LEVELS)
    lines = [
        "entity Permission;",
        "entity OwnerPermission;",
        f"entity Organization in [OwnerPermission] = {{ {of_owner} }};",
        "entity Team in [Team, Permission];",
        "entity User in [Organization, Team, Permission, OwnerPermission];",
        f"entity Repository = {{ owner: Organization{of_repository} }};",
    ]
    for level, above in zip(LEVELS, (*LEVELS[1:], None), strict=True):
        member = f" in [{above}]" if above else ""
        applies = "appliesTo { principal: User, resource: Repository }"
        lines.append(f"action {level}{member} {applies};")
    return "\n".join(lines) + "\n"


def graph(draw: Draw, size: int) -> Graph:
    made = Graph(draw)
    for type_name in ("Repository", "User", "Team", "Organization"):
        made.add(type_name, size)
    made.choose("owner", "Repository", "Organization")
    made.connect("team in", "Team", "Team")
    made.connect("member", "User", "Team")
    made.connect("employed", "User", "Organization")
    for who in ("User", "Team"):
        made.connect(f"{who} uses", who, "Repository")
        made.grade(f"{who} uses", LEVELS)
    for who in ("User", "Organization"):
        made.connect(f"{who} trusted by", who, "Organization")
        made.grade(f"{who} trusted by", ORGANIZATION_LEVELS)
    return made


def permission(uid: Uid, level: str) -> Uid:
    type_name = "OwnerPermission" if uid[0] == "Organization" else "Permission"
    return (type_name, f"{level}ers-of-{uid[1]}")


def entities(made: Graph, templates: bool) -> tuple[list[Json], list[Link]]:
    found: list[Json] = []
    links: list[Link] = []
    for organization in made.names["Organization"]:
        found += with_permissions(organization, ORGANIZATION_LEVELS, {}, trust(made, organization))
    for repository in made.names["Repository"]:
        owner = {"owner": reference(made.edges["owner"][repository][0])}
        found += with_permissions(repository, () if templates else LEVELS, owner, [])
    for who in [*made.names["Team"], *made.names["User"]]:
        levels = made.levels[f"{who[0]} uses"]
        uses = [(each, levels[who, each]) for each in made.edges[f"{who[0]} uses"][who]]
        if who[0] == "Team":
            parents = list(made.edges["team in"][who])
        else:
            parents = [*made.edges["member"][who], *made.edges["employed"][who], *trust(made, who)]
        if templates:
            links += [Link(level, f"{who[1]}.{each[1]}", who, each) for each, level in uses]
        else:
            parents += [permission(each, level) for each, level in uses]
        found.append(entity(who, parents=parents))
    return found, links


def trust(made: Graph, who: Uid) -> list[Uid]:
    """The permissions that organisations give to a user or to another organisation."""
    meaning = f"{who[0]} trusted by"
    levels = made.levels[meaning]
    return [permission(each, levels[who, each]) for each in made.edges[meaning][who]]


def with_permissions(
    uid: Uid, levels: tuple[str, ...], attrs: Json, parents: list[Uid]
) -> list[Json]:
    """An entity with one permission entity for each level, which it names in an attribute."""
    permissions = {level: permission(uid, level) for level in levels}
    named = {f"{level}ers": reference(each) for level, each in permissions.items()}
    return [*map(entity, permissions.values()), entity(uid, {**attrs, **named}, parents)]
