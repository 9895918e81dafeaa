"""The configuration: one TOML file, overridden by the environment, checked whole before anything begins."""

from reconciler.settings.credentials import read_credential
from reconciler.settings.loading import load_settings
from reconciler.settings.settings import Settings

__all__ = ["Settings", "load_settings", "read_credential"]
