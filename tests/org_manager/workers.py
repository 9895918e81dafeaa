"""One process of many that change one store at once: `workers.py FOLDER NUMBER THREADS STEPS` prints what it was told.

Every thread works on organisations of its own, and on one that all share, which each changes only from the value it
has just seen: the value counts every such change.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict, dataclass, field

from reconciler.org_manager import OrgManager, StaleOrganizationError

SHARED = "org_shared"


@dataclass(slots=True)
class Told:
    """What a process may rely on because the call came back."""

    tiers: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    counted: int = 0
    operations: int = 0


def work(manager: OrgManager, name: str, steps: int, told: Told) -> None:
    org_id = manager.create_organization(f"Company {name}")
    told.members[org_id] = []
    for step in range(steps):
        if step % 4 == 0:
            manager.update_org_plan(org_id, f"tier {step}")
            told.tiers[org_id] = f"tier {step}"
        elif step % 4 == 1:
            manager.add_user_to_org(org_id, f"user_{step}")
            told.members[org_id].append(f"user_{step}")
        elif step % 4 == 2:
            found = manager.get_org(org_id)
            assert found is not None
            assert found.plan_tier == told.tiers[org_id]
            if len(told.members[org_id]) > 3:
                manager.remove_user_from_org(org_id, gone := told.members[org_id][0])
                told.members[org_id].remove(gone)
        else:
            count(manager)
            told.counted += 1
        told.operations += 1


def count(manager: OrgManager) -> None:
    while True:
        found = manager.get_org(SHARED)
        assert found is not None
        try:
            manager.update_org_plan(
                SHARED, str(int(found.plan_tier) + 1), expected={"plan_tier": found.plan_tier, "status": "active"}
            )
        except StaleOrganizationError:
            continue
        return


def main() -> None:
    folder, number, threads, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    manager = OrgManager(folder)
    told = [Told() for _ in range(threads)]
    running = [
        threading.Thread(target=work, args=(manager, f"{number} {thread}", steps, told[thread]))
        for thread in range(threads)
    ]
    for each in running:
        each.start()
    for each in running:
        each.join()
    sys.stdout.write(json.dumps([asdict(each) for each in told]))


if __name__ == "__main__":
    main()
