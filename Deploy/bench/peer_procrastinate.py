"""Jobs a second that Procrastinate finishes. It fetches job by job, so the batch is the number of jobs at once.

Run by plimsoll-bench. Prints `rate N` as its last line.
"""

import argparse
import asyncio
import os
import time

import procrastinate
import uvloop

CHUNK = 1_000
CONNECTIONS_MAX = 16


async def main(arguments: argparse.Namespace) -> None:
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=os.environ["PEER_DSN"], min_size=1, max_size=min(CONNECTIONS_MAX, arguments.batch + 1)
        )
    )
    done = 0

    @app.task(name="label", queue="label")
    async def label(text: str) -> None:
        nonlocal done
        done += 1

    async with app.open_async():
        await app.connector.execute_query_async("drop schema public cascade")
        await app.connector.execute_query_async("create schema public")
        await app.schema_manager.apply_schema_async()
        left = arguments.jobs
        while left > 0:
            count = min(CHUNK, left)
            await label.batch_defer_async(*[{"text": "x" * 280}] * count)
            left -= count
        await app.connector.execute_query_async("analyze procrastinate_jobs")

        worker = asyncio.create_task(
            app.run_worker_async(
                queues=["label"], concurrency=arguments.batch, wait=True, listen_notify=False,
                install_signal_handlers=False, delete_jobs="always",
            )
        )
        while done == 0 and not worker.done():
            await asyncio.sleep(0.01)
        await asyncio.sleep(arguments.warm_up)
        first, start = done, time.monotonic()
        while time.monotonic() - start < arguments.measured and done < arguments.jobs and not worker.done():
            await asyncio.sleep(0.02)
        print(f"rate {(done - first) / (time.monotonic() - start)}", flush=True)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--jobs", type=int, required=True)
parser.add_argument("--warm-up", type=float, required=True)
parser.add_argument("--measured", type=float, required=True)
uvloop.run(main(parser.parse_args()))
