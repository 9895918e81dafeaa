"""What the first day needs from the outside, beyond the ports of a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from reconciler.model.account import Offer, Permission
from reconciler.model.billing import Source
from reconciler.ports import BillingSource


class CatalogSource(Protocol):
    """One account of Lago or Stripe, read only. Every method may raise SetupError or SourceUnavailableError."""

    @property
    def source(self) -> Source:
        """Which of the two."""
        ...

    @property
    def key_too_strong(self) -> bool:
        """Whether the key may do everything although one that only reads could be made."""
        ...

    def introduce(self) -> str:
        """Who answers, in a few words."""
        ...

    def permissions(self) -> tuple[Permission, ...]:
        """Each permission that is needed, held or not; raises CredentialError for a key that is refused altogether."""
        ...

    def offers(self) -> tuple[Offer, ...]:
        """Every plan or recurring price that the account lists; raises CredentialError where the key may not."""
        ...

    def clock_skew(self) -> timedelta | None:
        """How far its clock is ahead of ours; None where it does not say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One source, open for both kinds of questions."""

    catalog: CatalogSource
    billing: BillingSource


Offers = Mapping[Source, tuple[Offer, ...]]
