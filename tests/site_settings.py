"""The settings of a site with drift seeded: fixes both ways at once, within limits that nothing of it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.sandbox.demo import SeededBusiness
from reconciler.sandbox.server import LoopbackServer

_POLICY = {
    "mode": '"fix"',
    "raise": '"fix"',
    "lower": '"fix"',
    "settle_raise": '"0s"',
    "settle_lower": '"0s"',
    "confirm_runs": "1",
}
_LIMITS = {
    "max_raise_ratio": "1.0",
    "max_raise_count": "100000",
    "max_lower_ratio": "1.0",
    "max_lower_count": "100000",
    "max_monthly_value_ratio": "1.0",
}


def site_toml(
    seeded: SeededBusiness,
    *,
    store: Path,
    lago: LoopbackServer,
    stripe: LoopbackServer,
    authority: str = "both",
    policy: Mapping[str, str] | None = None,
    lines: Mapping[str, str] | None = None,
    more: str = "",
) -> str:
    """The file's text; `policy` overrides, `lines` adds lines to a section by its name, `more` is other sections."""
    exceptions = ", ".join(f'"{org}" = "{side}"' for org, side in sorted(seeded.authority_of.items()))
    sections = {
        "orgs": f'store = "json:{store}"',
        "billing": f'authority = "{authority}"\nauthority_of = {{ {exceptions} }}\nlivemode = false',
        "lago": f'url = "{lago.url}"\nmax_requests_per_s = 1000',
        "stripe": f'url = "{stripe.url}"\nmax_requests_per_s = 1000',
        "statuses": 'unpaid_tier = "founders_friend"',
        "policy": _assignments({**_POLICY, **(policy or {})}),
        "limits": _assignments(_LIMITS),
        "reports": 'formats = ["json"]',
    }
    for name, added in (lines or {}).items():
        sections[name] = f"{sections[name]}\n{added}" if name in sections else added
    text = "\n".join(f"[{name}]\n{said}" for name, said in sections.items())
    return f"{text}\n{more}\n{seeded.business.tiers_toml()}\n"


def _assignments(of: Mapping[str, str]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in of.items())
