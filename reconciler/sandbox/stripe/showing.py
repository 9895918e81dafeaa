"""Turns stored objects into answers: expands what a request asks for, within Stripe's limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.sandbox.stripe.keys import Granted
from reconciler.sandbox.stripe.objects import Json, plan_of
from reconciler.sandbox.stripe.refusals import Refusal
from reconciler.sandbox.stripe.relations import RELATIONS, How, Relation
from reconciler.sandbox.stripe.world import StripeWorld

_MOST_LEVELS = 4
_MOST_NESTED = 10

Tree = dict[str, Any]  # fields to expand, each with the fields to expand below it


def expansion(paths: Sequence[str], *, kind: str, in_list: bool, granted: Granted) -> Tree:
    """What to expand on an object of `kind`; raises Refusal for too deep, unknown or forbidden paths.

    In a list every path starts with `data`, which counts as a level.
    """
    tree: Tree = {}
    for path in paths:
        if path.count(".") >= _MOST_LEVELS:
            message = f"You cannot expand more than {_MOST_LEVELS} levels of a property. Property: {path}"
            raise Refusal(400, message, code="property_expansion_max_depth")
        branch = tree
        for field in path.split("."):
            branch = branch.setdefault(field, {})
    if in_list:
        wrong = next((field for field in tree if field != "data" or not tree["data"]), None)
        if wrong is not None:
            hint = f" You may want to try expanding 'data.{wrong}' instead." if wrong in RELATIONS[kind] else ""
            raise Refusal(400, f"This property cannot be expanded ({wrong}).{hint}")
        tree = tree.get("data", {})
    _check(tree, kind, granted)
    return tree


def _check(tree: Tree, kind: str, granted: Granted) -> None:
    for field, below in tree.items():
        relation = RELATIONS.get(kind, {}).get(field)
        if relation is None or (relation.how is How.GROUP and not below):
            raise Refusal(400, f"This property cannot be expanded ({field}).")
        if relation.how in (How.REFERENCE, How.REFERENCES):
            granted.need(relation.kind)
        rows = below
        if relation.how is How.NESTED and below:
            wrong = next((name for name in below if name != "data"), None)
            if wrong is not None:
                raise Refusal(400, f"This property cannot be expanded ({wrong}).")
            rows = below["data"]
        _check(rows, relation.kind, granted)


def shown(world: StripeWorld, kind: str, row: Json, tree: Tree) -> Json:
    """The object as answered, with what `tree` names expanded; the stored one is not touched."""
    answer = dict(row)
    for field, relation in RELATIONS.get(kind, {}).items():
        if relation.how is How.ON_REQUEST and field not in tree:
            answer.pop(field, None)
        elif answer.get(field) is not None:
            answer[field] = _value(world, row, field, relation, tree.get(field))
    return answer


def _value(world: StripeWorld, row: Json, field: str, relation: Relation, below: Tree | None) -> Any:
    """What stands in a field that is set; `below` is None where the field is not expanded."""
    value = row[field]
    match relation.how:
        case How.ON_REQUEST:
            return value
        case How.REFERENCE:
            return value if below is None else _object(world, relation.kind, value, below)
        case How.REFERENCES:
            return value if below is None else [_object(world, relation.kind, each, below) for each in value]
        case How.WHOLE:
            return _object(world, relation.kind, value, below or {})
        case How.NESTED:
            within = (below or {}).get("data", {})
            return {
                "object": "list",
                "data": [_object(world, relation.kind, each, within) for each in value[:_MOST_NESTED]],
                "has_more": len(value) > _MOST_NESTED,
                "url": f"/v1/subscription_items?subscription={row['id']}",
            }
        case How.GROUP:
            parts = value if isinstance(value, list) else [value]
            answers = [shown(world, relation.kind, part, below or {}) for part in parts]
            return answers if isinstance(value, list) else answers[0]


def _object(world: StripeWorld, kind: str, object_id: str, tree: Tree) -> Json:
    row = plan_of(world.get("price", object_id)) if kind == "plan" else world.get(kind, object_id)
    return shown(world, kind, row, tree)
