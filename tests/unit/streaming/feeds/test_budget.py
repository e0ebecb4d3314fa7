import asyncio

from streaming.feeds.budget import Budget, Priority


def test_the_urgent_go_first_and_equals_in_the_order_they_came():
    async def run():
        budget, done, release = Budget("x", limit=100, seconds=60), [], asyncio.Event()

        async def hold():
            async with budget.turn(1, Priority.LIVE):
                await release.wait()

        async def ask(name, priority):
            async with budget.turn(1, priority):
                done.append(name)

        asked = [("backfill", Priority.BACKFILL), ("repair 1", Priority.REPAIR), ("repair 2", Priority.REPAIR)]
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(hold())
            for name, priority in [*asked, ("live", Priority.LIVE)]:
                group.create_task(ask(name, priority))
            await asyncio.sleep(0.01)
            assert done == []
            release.set()
        assert done == ["live", "repair 1", "repair 2", "backfill"]

    asyncio.run(run())


def test_a_symbol_with_much_to_repair_does_not_hold_up_those_with_little():
    async def run():
        budget, done = Budget("x", limit=1000, seconds=60), []

        async def repair(symbol, pages):
            for _ in range(pages):
                async with budget.turn(1, Priority.REPAIR):
                    await asyncio.sleep(0)
                    done.append(symbol)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(repair("much", 50))
            for n in range(9):
                group.create_task(repair(f"little {n}", 2))
        assert len(done) == 68
        assert set(done[:20]) == {"much", *(f"little {n}" for n in range(9))}
        assert set(done[20:]) == {"much"}

    asyncio.run(run())


def test_a_backfill_that_waits_for_room_does_not_hold_up_a_repair_of_another_symbol():
    async def run():
        budget = Budget("x", limit=10, seconds=60)
        for _ in range(7):
            await _one(budget, Priority.BACKFILL)
        waiting = [asyncio.create_task(_one(budget, Priority.BACKFILL)) for _ in range(3)]
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            await _one(budget, Priority.REPAIR)
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())


def test_backfill_leaves_room_for_what_is_live():
    async def run():
        budget = Budget("x", limit=10, seconds=60)
        for _ in range(7):
            async with budget.turn(1, Priority.BACKFILL):
                pass
        more = asyncio.create_task(_one(budget, Priority.BACKFILL))
        await asyncio.sleep(0.01)
        assert not more.done()
        more.cancel()
        await asyncio.gather(more, return_exceptions=True)
        async with asyncio.timeout(1):
            await _one(budget, Priority.REPAIR)
            await _one(budget, Priority.LIVE)
        assert budget.as_dict()["used"] == 9

    asyncio.run(run())


def test_nobody_goes_while_the_provider_wants_no_request():
    async def run():
        budget = Budget("x", limit=10, seconds=60)
        budget.block(0.2, "banned")
        assert budget.as_dict()["blocked_because"] == "banned"
        started = asyncio.get_running_loop().time()
        await _one(budget, Priority.LIVE)
        assert asyncio.get_running_loop().time() - started >= 0.19

    asyncio.run(run())


def test_who_gives_up_waiting_does_not_hold_up_the_others():
    async def run():
        budget = Budget("x", limit=1, seconds=60)
        async with budget.turn(1, Priority.LIVE):
            waiting = asyncio.create_task(_one(budget, Priority.LIVE))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert budget.as_dict()["waiting"] == 0

    asyncio.run(run())


async def _one(budget, priority):
    async with budget.turn(1, priority):
        pass
