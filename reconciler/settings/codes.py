"""The drift codes that a configuration may name, those of later versions included."""

from __future__ import annotations

from reconciler.model.drift import Code
from reconciler.rules.catalogue import fixable

# Codes of the public catalogue that this version does not judge yet: a file that names them is not wrong.
_LATER_FIXED = frozenset(
    {"past_due_beyond_grace", "unpaid", "never_paid_entitled", "downgrade_early", "downgrade_late"}
)
_LATER_OTHER = frozenset(
    {
        "past_due_in_grace", "overdue_by_invoice", "payment_disputed", "incomplete_in_window", "paused",
        "collection_paused", "trial_overrun", "zero_amount_live", "free_tier_paying", "deleted_still_billed",
        "status_unknown", "cancel_scheduled", "cancel_state_differs", "schedule_missed", "downgrade_scheduled",
        "future_start", "in_flight", "duplicate_customer", "id_crossed", "link_weak", "link_dead", "link_stale",
        "customer_deleted", "provider_link_differs", "livemode_differs", "price_override", "discounted",
        "amount_differs", "currency_differs", "interval_differs", "base_ambiguous", "contract_expired",
        "contract_ok", "grandfathered", "fix_failed", "fix_not_sticking",
    }
)  # fmt: skip  # one name a line would be longer than the module

KNOWN = frozenset(code.value for code in Code) | _LATER_FIXED | _LATER_OTHER

# Codes that the catalogue fixes by default; policy makes no other one fixable.
FIXABLE = frozenset(code.value for code in fixable()) | _LATER_FIXED

# Codes whose money is leak, whatever the case: the only ones `[statuses] flagged` may act on.
LEAKING = frozenset(
    {
        "tier_over", "ended_still_entitled", "paid_tier_no_billing", "past_due_beyond_grace", "unpaid",
        "payment_disputed", "never_paid_entitled", "paused", "collection_paused", "trial_overrun", "zero_amount_live",
        "downgrade_late", "future_start", "link_dead", "link_stale", "contract_expired",
    }
)  # fmt: skip  # as above
