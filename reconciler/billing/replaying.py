"""Answers the questions of a read from what was kept of an earlier one, in the order in which it went then."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from reconciler.billing.asking import OutageError, out_of_time
from reconciler.billing.crew import Hands, OneByOne
from reconciler.billing.failures import Plain, failure_of
from reconciler.billing.tally import Tally
from reconciler.model.billing import Source

Answer = TypeVar("Answer")


class Archive(Protocol):
    """What was kept of one source (network.Keeper)."""

    @property
    def steps(self) -> Sequence[str]:
        """The steps of every crew, in their order."""
        ...

    def next_answer(self, question: str) -> bytes | Mapping[str, Plain] | None:
        """The first answer to `question` that was not given yet, the error there was instead, or None."""
        ...


class Replay:
    """Stands where the network stood, behind the protocol network.Asking; nothing is sent.

    A question that was not asked then raises OutageError: the read says that it is not whole, as it would without an
    answer.
    """

    def __init__(self, source: Source, archive: Archive) -> None:
        self._source = source
        self._archive = archive
        self._crews: defaultdict[str, deque[deque[str]]] = defaultdict(deque)
        for told in archive.steps:
            within, _, step = told.rpartition(": ")
            if step == "crew":
                self._crews[within].append(deque())
            else:
                self._crews[within][-1].append(step)

    def ask(
        self,
        question: str,
        fetch: Callable[[], bytes],  # noqa: ARG002 # nothing is fetched
        understand: Callable[[bytes], Answer],
        tally: Tally,
    ) -> Answer:
        """What `understand` makes of the answer of then; raises the error of then."""
        said = self._archive.next_answer(question)
        if said is None:
            raise _unasked(self._source)
        tally.count(requests=1)
        if isinstance(said, bytes):
            return understand(said)
        raise failure_of(said)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Nothing is sent, nothing is held back."""

    def crew(
        self,
        tally: Tally,  # noqa: ARG002 # nothing takes time
        *,
        within: str = "",
    ) -> AbstractContextManager[Hands]:
        """One that does the jobs of the crew of then in the order in which its answers came."""
        if not self._crews[within]:
            return nullcontext(OneByOne())
        return nullcontext(_SameOrder(self._source, self._crews[within].popleft()))


class _SameOrder:
    """Hands that are free and done when the crew of then was."""

    def __init__(self, source: Source, steps: deque[str]) -> None:
        self._source = source
        self._steps = steps
        self._given: list[tuple[object, Callable[[], object]]] = []

    @property
    def free(self) -> bool:
        return bool(self._steps) and self._steps[0] == "give"

    def give(self, tag: object, job: Callable[[], object]) -> None:
        self._steps.popleft()
        self._given.append((tag, job))

    def take(self) -> tuple[Any, Any]:
        step = self._steps.popleft() if self._steps else ""
        if step == "late":
            raise out_of_time(self._source)
        number = step.removeprefix("take ")
        if not number.isdecimal() or int(number) >= len(self._given):
            raise _unasked(self._source)
        tag, job = self._given[int(number)]
        return tag, job()


def _unasked(source: Source) -> OutageError:
    return OutageError(
        f"The snapshot file does not hold everything that is asked of {source.value.capitalize()} now",
        remedy="Keep a new one with --save-snapshot",
    )
