"""Posts events as fast as they are answered, on keep-alive connections, and says how long it took.

Run by collector.py as ``python collector_load.py PORT PATH BATCH SECONDS CONNECTIONS [ACKED]``;
answers with one line of JSON. With ACKED every event has an id of its own, and those that were
acknowledged are written to that file.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from pathlib import Path

POOL = 40  # bodies prepared in advance where ids need not differ
VISITORS = 5_000
RETRY_S = 0.05


class Load:
    """The clients of one run."""

    def __init__(self, port: int, path: str, batch: int, *, unique: bool) -> None:
        self._port, self._path, self._batch, self._unique = port, path, batch, unique
        self._numbers = itertools.count()
        self._prefix = f"{time.time_ns():x}-"
        self._pool = [self._request()[0] for _ in range(POOL)]
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.acked: list[str] = []

    def _request(self) -> tuple[bytes, list[str]]:
        ts = time.time_ns() // 1_000_000
        ids, events = [], []
        for number in itertools.islice(self._numbers, self._batch):
            ids.append(f"{self._prefix}{number}")
            events.append(
                f'{{"event_id":"{ids[-1]}","type":"page_view","ts":{ts},'
                f'"visitor_id":"v{number % VISITORS}","source":"google","medium":"cpc",'
                f'"campaign":"c{number % 20}","device":"mobile","country":"DE",'
                f'"landing_page":"/p/{number % 50}"}}'
            )
        body = ("[" + ",".join(events) + "]").encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body, ids

    async def run(self, seconds: float, connections: int) -> None:
        """Post until the time is over; what is refused or cut off is sent again."""
        end_s = time.perf_counter() + seconds
        await asyncio.gather(*(self._client(index, end_s) for index in range(connections)))

    async def _client(self, index: int, end_s: float) -> None:
        pool = itertools.cycle(self._pool[index % POOL :] + self._pool[: index % POOL])
        reader = writer = None
        while time.perf_counter() < end_s:
            request, ids = self._request() if self._unique else (next(pool), [])
            while time.perf_counter() < end_s:
                try:
                    if writer is None:
                        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    started_s = time.perf_counter()
                    writer.write(request)
                    status = await self._answer(reader)
                except (OSError, asyncio.IncompleteReadError):
                    writer = None
                    await asyncio.sleep(RETRY_S)
                    continue
                self.statuses[status] += 1
                if status in (200, 202):
                    self.seconds.append(time.perf_counter() - started_s)
                    self.acked += ids
                    break
                await asyncio.sleep(RETRY_S)
        if writer is not None:
            writer.close()

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> int:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        return int(head[9:12])


def main() -> None:
    """Run one load."""
    port, path, batch, seconds, connections, *acked = sys.argv[1:]
    load = Load(int(port), path, int(batch), unique=bool(acked))
    started_s = time.perf_counter()
    asyncio.run(load.run(float(seconds), int(connections)))
    took_s = time.perf_counter() - started_s
    times = sorted(load.seconds)
    if acked:
        Path(acked[0]).write_text("\n".join(load.acked))
    print(
        json.dumps(
            {
                "events_per_s": round(len(times) * int(batch) / took_s),
                "p50_ms": round(times[len(times) // 2] * 1000, 2),
                "p99_ms": round(times[len(times) * 99 // 100] * 1000, 2),
                "statuses": load.statuses,
            }
        )
    )


if __name__ == "__main__":
    main()
