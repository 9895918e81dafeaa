"""What the person who runs the product has set: the configuration with its checks, and the keys of both sources."""

from reconciler.settings.credentials import read_credential, read_reference
from reconciler.settings.loading import load_settings
from reconciler.settings.settings import Settings

__all__ = ["Settings", "load_settings", "read_credential", "read_reference"]
