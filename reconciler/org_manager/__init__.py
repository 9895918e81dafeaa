"""The organisation store on two JSON files that another program changes at the same time; a drop-in for its own module.

Imports the standard library, pydantic and the product's errors, nothing else. `org_manager` is made when it is first
asked for, in the folder that ORG_DATA_DIR names, else in /app/data.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from reconciler.errors import (
    StaleOrganizationError,
    StoreAccessError,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreUnfinishedError,
    StoreWriteError,
)
from reconciler.org_manager.locks import locked_file
from reconciler.org_manager.maintenance import FileReport, Restored, Verification, restore, verify
from reconciler.org_manager.manager import OrgManager
from reconciler.org_manager.models import Organization, OrgUser
from reconciler.org_manager.records import InvalidRecord
from reconciler.org_manager.snapshot import Snapshot
from reconciler.org_manager.transfer import Imported, export_store, import_store

if TYPE_CHECKING:
    org_manager: OrgManager

__all__ = [
    "FileReport",
    "Imported",
    "InvalidRecord",
    "OrgManager",
    "OrgUser",
    "Organization",
    "Restored",
    "Snapshot",
    "StaleOrganizationError",
    "StoreAccessError",
    "StoreDamagedError",
    "StoreError",
    "StoreLockedError",
    "StoreMissingError",
    "StoreReadOnlyError",
    "StoreUnfinishedError",
    "StoreWriteError",
    "Verification",
    "export_store",
    "import_store",
    "locked_file",
    "org_manager",
    "restore",
    "verify",
]

_making = threading.Lock()


def __getattr__(name: str) -> Any:
    if name != "org_manager":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _making:
        if "org_manager" not in globals():
            globals()["org_manager"] = OrgManager(os.environ.get("ORG_DATA_DIR", "/app/data"))
    return globals()["org_manager"]
