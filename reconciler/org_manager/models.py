"""The two records of the organisation store, as the application builds and checks them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

STATUSES = ("active", "suspended", "deleted")
ROLES = ("owner", "member", "billing_admin")
DEFAULT_PLAN_TIER = "founders_friend"


def utc_now() -> datetime:
    """The present instant as the application keeps it: naive, UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _naive_utc(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


class _Record(BaseModel):
    # .dict() is what the application calls; pydantic's own says deprecated at every call.
    def dict(self, **options: Any) -> dict[str, Any]:
        """What `model_dump` gives."""
        return self.model_dump(**options)


class OrganizationAsFound(_Record):
    """An organisation whose types can be read, whatever the application's own validation says of its values."""

    id: str
    name: str
    created_at: datetime = Field(default_factory=utc_now)
    plan_tier: str = DEFAULT_PLAN_TIER
    lago_customer_id: str | None = None
    stripe_customer_id: str | None = None
    status: str = "active"

    _naive = field_validator("created_at")(_naive_utc)


class Organization(OrganizationAsFound):
    """One organisation. Times are naive and mean UTC.

    Building one checks what the application checks; a value of another kind raises `pydantic.ValidationError`,
    which is a ValueError. Assigning to a field checks nothing and writes nothing.
    """

    name: str = Field(min_length=1, max_length=200)

    @field_validator("id")
    @classmethod
    def _starts_with_org(cls, value: str) -> str:
        if not value.startswith("org_"):
            raise ValueError("Organization ID must start with 'org_'")
        return value

    @field_validator("name")
    @classmethod
    def _is_not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Organization name cannot be empty")
        return value

    @field_validator("status")
    @classmethod
    def _is_a_status(cls, value: str) -> str:
        if value not in STATUSES:
            raise ValueError(f"Status must be one of: {', '.join(STATUSES)}")
        return value


class OrgUserAsFound(_Record):
    """A membership whose types can be read, whatever its role."""

    org_id: str
    user_id: str
    role: str
    joined_at: datetime = Field(default_factory=utc_now)

    _naive = field_validator("joined_at")(_naive_utc)


class OrgUser(OrgUserAsFound):
    """One membership of a user in an organisation; checked when built, like Organization."""

    @field_validator("role")
    @classmethod
    def _is_a_role(cls, value: str) -> str:
        if value not in ROLES:
            raise ValueError(f"Role must be one of: {', '.join(ROLES)}")
        return value


_Model = TypeVar("_Model", bound=BaseModel)


def checked(model: type[_Model], **fields: Any) -> _Model:
    """Build a record, or raise ValueError that says what is wrong with which field and quotes no value."""
    try:
        return model(**fields)
    except ValidationError as refusal:
        faults = refusal.errors(include_url=False, include_context=False, include_input=False)
        words = "; ".join(f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults)
    raise ValueError(words)


def refuse_unfit(**fields: str | None) -> None:
    """Raises ValueError for a value that the application's own validation refuses in an organisation."""
    checked(Organization, **{"id": "org_", "name": "-"} | fields)
