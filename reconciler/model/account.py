"""What an account of one source sells, and what a key may read of it; needed on the first day, not by a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.billing import Item, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A Lago plan or a recurring Stripe price. `item` is what one unit of it would be in a subscription.

    `names` are what people call it besides the item's own keys, `metadata` is that of its product; `archived` when
    nobody new can buy it.
    """

    source: Source
    item: Item
    names: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    archived: bool = False

    @property
    def key(self) -> str:
        """The plan code or price id."""
        return self.item.plan_code or self.item.price_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One permission of a key by the source's own name, whether it is held, and what to do where it is not.

    Without a `required` one no pass runs; `missing` is what a pass does without for want of another.
    """

    name: str
    held: bool
    required: bool
    missing: str = ""
    remedy: str = ""
