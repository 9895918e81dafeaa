"""What every test leaves behind as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """The command configures the logs of its process, which in tests is that of the next test too."""
    yield
    structlog.reset_defaults()
