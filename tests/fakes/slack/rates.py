"""How often Slack lets itself be called: by method and minute, and a message a second into a channel with a short burst."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

_MINUTE = 60.0
_BURST = 5.0  # posts that a quiet channel takes at once


class TooFast(Exception):  # a refusal is named by what it says
    """The answer is 429; `seconds` is its Retry-After."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = max(1, math.ceil(seconds))


@dataclass(slots=True)
class Rates:
    """What was let through in the last minute. Refused calls do not count. Times are seconds."""

    _windows: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)  # tokens left, as of

    def method(self, name: str, per_minute: int, now: float) -> None:
        """Count a call of a method; raises TooFast."""
        window = self._windows[name]
        while window and window[0] <= now - _MINUTE:
            window.popleft()
        if len(window) >= per_minute:
            raise TooFast(window[0] + _MINUTE - now)
        window.append(now)

    def channel(self, name: str, now: float) -> None:
        """Count a post into a channel; raises TooFast."""
        left, since = self._buckets.get(name, (_BURST, now))
        left = min(_BURST, left + max(0.0, now - since))
        if left < 1:
            self._buckets[name] = (left, now)
            raise TooFast(1 - left)
        self._buckets[name] = (left - 1, now)
