"""The hash by which people name a plan, a seal or a refusal: the same in every version, so it is made in one place."""

from __future__ import annotations

import hashlib
import json


def digest(said: object) -> str:
    """`sha256:` and the hash over canonical JSON of `said`, plain values: sorted, ASCII alone, without a blank."""
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
