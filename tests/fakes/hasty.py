"""`askfirst` with one mistake, as a control: its release sends first and claims afterwards. What checks releases must find it out.

Run it as `python -m tests.fakes.hasty serve --config FILE`.
"""

from functools import partial

from bot.cli import main
from workflows import lifecycle
from workflows.release import Releaser, _facts
from workflows.states import State


async def _release(self: Releaser, request_id: str) -> None:
    """Do what a careful release does, in the wrong order: between sending and the claim, a crash forgets that it was sent."""
    row, grant = await self.database.aread(partial(_facts, request_id=request_id))
    if row is None or grant is None or row.state != State.APPROVED:
        return
    found = await self._look_again(row, grant)
    if found is None:
        return
    outcome = await self._call(row)
    claimed = await self.database.awrite(
        partial(lifecycle.claim, request_id=request_id, instance=self.instance, fresh=found[0], now=self.clock())
    )
    if claimed is not None:
        await self._finish(request_id, outcome)


if __name__ == "__main__":
    Releaser._release = _release  # type: ignore[method-assign]  # the mistake
    main()
