"""gdrive: documents in folders; people own, groups and people are let view, some is public.

In hierarchy's form, what a user may view hangs below a `View` entity of that user: the user's own,
and those of the user's groups, which are below it.
"""

from __future__ import annotations

from workloads.draw import Draw
from workloads.w2.graph import Graph
from workloads.workload import Json, Link, Uid, entity, reference

ACTIONS = {
    "read": "Document", "write": "Document", "share": "Document", "changeOwner": "Document",
    "createDocument": "Folder",
}  # fmt: skip

OWNERSHIP = """
@id("public")
permit (principal, action == Action::"read", resource)
when { resource.isPublic };

@id("owner")
permit (principal, action in [Action::"read", Action::"write", Action::"share"], resource)
when { resource in principal.documents || resource in principal.folders };

@id("hand-over")
permit (principal, action == Action::"changeOwner", resource)
when { principal.documents.contains(resource) };

@id("create")
permit (principal, action == Action::"createDocument", resource)
when { principal.folders.contains(resource) };
"""
VIEW = """
@id("viewer")
permit (principal, action == Action::"read", resource)
when { resource in principal.view };
"""
VIEW_TEMPLATE = """
@id("viewer")
permit (principal in ?principal, action == Action::"read", resource in ?resource);
"""
ENTITIES = """
entity Group;
entity User in [Group] = {{ documents: Set<Document>, folders: Set<Folder>{view} }};
entity Folder in [Folder{above}];
entity Document in [Folder{above}] = {{ isPublic: Bool }};
action read, write, share, changeOwner appliesTo {{ principal: User, resource: Document }};
action createDocument appliesTo {{ principal: User, resource: Folder }};
"""


def policies(templates: bool) -> str:
    return (VIEW_TEMPLATE if templates else VIEW) + OWNERSHIP


def schema(templates: bool) -> str:
    if templates:
        return ENTITIES.format(view="", above="")
    return "entity View in [View];" + ENTITIES.format(view=", view: View", above=", View")


def graph(draw: Draw, size: int) -> Graph:
    made = Graph(draw)
    for type_name in ("User", "Group", "Document", "Folder"):
        made.add(type_name, size)
    made.connect("member", "User", "Group")
    made.connect("owns document", "User", "Document")
    made.connect("owns folder", "User", "Folder")
    for type_name in ("Document", "Folder"):
        made.connect(f"{type_name} in", type_name, "Folder")
        made.connect(f"{type_name} viewer", type_name, "User")
        made.connect(f"{type_name} viewing group", type_name, "Group")
    made.label("access", "Document", ("public", "private"))
    return made


def view(uid: Uid) -> Uid:
    return ("View", f"of-{uid[1]}")


def entities(made: Graph, templates: bool) -> tuple[list[Json], list[Link]]:
    found: list[Json] = []
    links: list[Link] = []
    for user in made.names["User"]:
        attrs: Json = {
            "documents": [reference(each) for each in made.edges["owns document"][user]],
            "folders": [reference(each) for each in made.edges["owns folder"][user]],
        }
        if not templates:
            attrs["view"] = reference(view(user))
            found.append(entity(view(user)))
        found.append(entity(user, attrs, made.edges["member"][user]))
    for group in made.names["Group"]:
        found.append(entity(group))
        if not templates:
            members = [user for user, groups in made.edges["member"].items() if group in groups]
            found.append(entity(view(group), parents=map(view, members)))
    for type_name in ("Folder", "Document"):
        for each in made.names[type_name]:
            viewers = [
                *made.edges[f"{type_name} viewer"][each],
                *made.edges[f"{type_name} viewing group"][each],
            ]
            parents = list(made.edges[f"{type_name} in"][each])
            if templates:
                links += [Link("viewer", f"{who[1]}.{each[1]}", who, each) for who in viewers]
            else:
                parents += map(view, viewers)
            shown: Json = {"isPublic": made.labels["access"].get(each) == "public"}
            found.append(entity(each, shown if type_name == "Document" else {}, parents))
    return found, links
