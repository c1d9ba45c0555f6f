"""A catalogue of made-up words, and people who search in it."""

import bisect
import http.client
import itertools
import json
import random
import time

from footfall import Footfall
from machine import load

LANES = 32


class Shop:
    """Words are as frequent as in a language: the n-th as 1/n. The same on every run."""

    def __init__(self, server: Footfall, entities: int):
        self.server, self.entities = server, entities
        self.random = random.Random(4)
        letters = "aabcdeefghiiklmnooprstuuvw"
        self.words = ["".join(self.random.choices(letters, k=self.random.randint(3, 10))) for _ in range(30_000)]
        self.sums = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(self.words))))
        self.titles: list[str] = []

    def word(self) -> str:
        return self.words[bisect.bisect(self.sums, self.random.random() * self.sums[-1])]

    def text(self, count: int) -> str:
        return " ".join(self.word() for _ in range(count))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=60)

    def send(self, connection: http.client.HTTPConnection, method: str, path: str, body: object) -> bytes:
        headers = {"Authorization": f"Bearer {self.server.key}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
        return text

    def fill(self) -> None:
        connection = self.connection()
        for start in range(0, self.entities, 1000):
            batch = []
            for number in range(start, min(start + 1000, self.entities)):
                title = self.text(4)
                self.titles.append(title)
                batch.append({"type": "product", "id": f"p{number}", "title": title, "description": self.text(12),
                              "brand": self.word(), "categories": [f"Category {number % 50}"],
                              "price": f"{number % 200}.50", "currency": "EUR", "inventory": number % 7})
            self.send(connection, "PUT", "/v1/entities", {"entities": batch})

    def settle(self) -> None:
        """Waits until the index has the whole catalogue: searches wait for it, which is not to be measured here."""
        connection, last = self.connection(), f'"p{self.entities - 1}"'.encode()
        for _ in range(600):
            begin = time.monotonic()
            answer = self.send(connection, "POST", "/search", {"query": self.titles[-1], "limit": 100})
            if last in answer and time.monotonic() - begin < 0.1:
                return
            time.sleep(0.1)
        raise RuntimeError("the index does not come to have the catalogue")

    def query(self) -> dict:
        """Words of a title, now and then the beginning of the last one, or one with a mistake."""
        words = self.random.choice(self.titles).split()[: self.random.randint(1, 3)]
        chance = self.random.random()
        if chance < 0.3:
            words[-1] = words[-1][: max(2, len(words[-1]) // 2)]
        elif chance < 0.4 and len(words[0]) > 4:
            words[0] = words[0][:2] + words[0][3:]
        body: dict = {"query": " ".join(words), "limit": 20, "user_id": f"u{self.random.randrange(1000)}"}
        if self.random.random() < 0.3:
            body["filters"] = {"in_stock": True, "price_max": "120", "category": f"Category {self.random.randrange(50)}"}
        return body

    def run(self, rate: float, seconds: float, warmup: float) -> dict:
        """Searches at a steady rate whatever the answers take; latencies count from when one was due. The answer gains
        `cpu_us`, the server's CPU time for each search."""
        path = self.server.folder / "queries.jsonl"
        count = int(rate * (seconds + warmup))
        path.write_text("".join(json.dumps(self.query()) + "\n" for _ in range(count)))
        before = self.server.cpu()
        answer = load(self.server.url + "/search", headers=(f"Authorization: Bearer {self.server.key}",), bodies=path,
                      expect='"search_id"', rate=rate, connections=LANES, seconds=seconds, warmup=warmup)
        answer["cpu_us"] = (self.server.cpu() - before) / max(1, answer["sent"]) * 1e6
        return answer
