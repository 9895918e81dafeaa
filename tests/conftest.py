"""What every test leaves behind as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# Every run tries the same examples, so that it is red for what changed only; new ones: --hypothesis-profile=default.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """The command configures the logs of its process, which in tests is that of the next test too."""
    yield
    structlog.reset_defaults()
