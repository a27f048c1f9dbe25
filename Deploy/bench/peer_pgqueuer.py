"""Jobs a second that PgQueuer finishes: a producer fills the queue, one worker process takes them in batches.

Run by plimsoll-bench. Prints `rate N` as its last line.
"""

import argparse
import asyncio
import os
import time

import asyncpg
import uvloop
from pgqueuer.db import AsyncpgDriver
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

PAYLOAD = b'{"text":"' + b"x" * 280 + b'"}'
CHUNK = 5_000


async def connect() -> AsyncpgDriver:
    return AsyncpgDriver(
        await asyncpg.connect(
            host=os.environ["PGHOST"], user=os.environ["PGUSER"], database=os.environ["PGDATABASE"]
        )
    )


async def main(arguments: argparse.Namespace) -> None:
    driver = await connect()
    queries = Queries(driver)
    try:
        await queries.uninstall()
    except Exception:  # there is nothing to remove before the first run
        pass
    await queries.install()
    left = arguments.jobs
    while left > 0:
        count = min(CHUNK, left)
        await queries.enqueue(["label"] * count, [PAYLOAD] * count, [0] * count)
        left -= count
    await driver.execute("vacuum analyze pgqueuer")

    done = 0
    manager = QueueManager(Queries(await connect()))

    @manager.entrypoint("label")
    async def label(_job) -> None:
        nonlocal done
        done += 1

    async def watch() -> float:
        while done == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(arguments.warm_up)
        first, start = done, time.monotonic()
        while time.monotonic() - start < arguments.measured and done < arguments.jobs:
            await asyncio.sleep(0.02)
        rate = (done - first) / (time.monotonic() - start)
        manager.shutdown.set()
        return rate

    watcher = asyncio.create_task(watch())
    await manager.run(batch_size=arguments.batch)
    print(f"rate {await watcher}")


parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--jobs", type=int, required=True)
parser.add_argument("--warm-up", type=float, required=True)
parser.add_argument("--measured", type=float, required=True)
uvloop.run(main(parser.parse_args()))
