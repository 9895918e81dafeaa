"""Puts questions to a source over the network, one way for all of them, and hands on what was said to be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol, TypeVar

from reconciler.billing.asking import Caller, RetryListener, RetryPolicy, unheard
from reconciler.billing.crew import Crew, Hands
from reconciler.billing.failures import Plain, plain
from reconciler.billing.pacing import RateBudget
from reconciler.billing.tally import Tally
from reconciler.errors import ReconcilerError
from reconciler.model.billing import Source

Answer = TypeVar("Answer")


class Asking(Protocol):
    """Where the answers of one source come from: the network, or a file that an earlier read left."""

    def ask(
        self, question: str, fetch: Callable[[], bytes], understand: Callable[[bytes], Answer], tally: Tally
    ) -> Answer:
        """The answer to `question`, which names path and query: what `understand` makes of the bytes that it is."""
        ...

    def heed(self, headers: Mapping[str, str]) -> None:
        """Hear what the headers of a success say about the rate."""
        ...

    def crew(self, tally: Tally, *, within: str = "") -> AbstractContextManager[Hands]:
        """Those who ask several questions of one read at a time; `within` names the job of another crew, if in one."""
        ...


class Keeper(Protocol):
    """Takes in what one source said, in any thread; never raises."""

    def answered(self, question: str, body: bytes) -> None:
        """Keep a body as it was received."""
        ...

    def failed(self, question: str, error: Mapping[str, Plain]) -> None:
        """Keep the error there was instead, after the last attempt."""
        ...

    def stepped(self, step: str) -> None:
        """Keep a step of a crew, by which the order of questions and answers can be had again (crew.Crew)."""
        ...


class Network:
    """The one way by which questions leave for a source."""

    def __init__(
        self,
        source: Source,
        budget: RateBudget,
        *,
        policy: RetryPolicy | None = None,
        on_retry: RetryListener = unheard,
        keeper: Keeper | None = None,
    ) -> None:
        """Tell `on_retry` of every request that is sent again, and `keeper` what came of every question."""
        self._source = source
        self._caller = Caller(source, budget, policy=policy or RetryPolicy(), on_retry=on_retry)
        self._keeper = keeper

    def ask(
        self, question: str, fetch: Callable[[], bytes], understand: Callable[[bytes], Answer], tally: Tally
    ) -> Answer:
        """What `understand` makes of `fetch`; both again while they raise TryAgainError and the policy allows."""

        def send() -> tuple[bytes, Answer]:
            body = fetch()
            return body, understand(body)

        try:
            body, answer = self._caller.call(send, tally)
        except ReconcilerError as error:
            if self._keeper is not None:
                self._keeper.failed(question, plain(error))
            raise
        if self._keeper is not None:
            self._keeper.answered(question, body)
        return answer

    def heed(self, headers: Mapping[str, str]) -> None:
        """Hold further requests back where that was the last one for now."""
        self._caller.heed(headers)

    def crew(self, tally: Tally, *, within: str = "") -> Crew:
        """Threads."""
        return Crew(
            self._source, tally, on_step=None if self._keeper is None else partial(_stepped, self._keeper, within)
        )


def _stepped(keeper: Keeper, within: str, step: str) -> None:
    """The steps of a crew within another's job come among those of others: they are kept with the job's name."""
    keeper.stepped(f"{within}: {step}" if within else step)
