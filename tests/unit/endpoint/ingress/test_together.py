# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio

import pytest

from whisper_endpoint.errors import Overloaded
from whisper_endpoint.ingress.together import all_or_none


def test_a_refusal_of_one_ends_the_work_on_the_others() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def refused() -> None:
        await asyncio.sleep(0)
        raise Overloaded("No room.")

    async def both() -> None:
        async with asyncio.timeout(5):
            await all_or_none([endless(), refused()])

    with pytest.raises(Overloaded, match=r"No room\."):
        asyncio.run(both())
    assert ended == ["endless"]


def test_what_is_done_comes_in_its_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(all_or_none([after(3), after(1)])) == [3, 1]
