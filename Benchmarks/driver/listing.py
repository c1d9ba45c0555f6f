"""A catalogue for the entities of the interactions, and people who ask for lists."""

import http.client
import json
import random

from footfall import Footfall
from machine import load


class Listing:
    """Categories, brands and prices by number; the same on every run."""

    def __init__(self, server: Footfall, entities: int, users: int):
        self.server, self.entities, self.users = server, entities, users
        self.random = random.Random(5)
        first = json.loads(server.get("/v1/popular?limit=1"))["items"]
        self.type = first[0]["entity_type"] if first else "product"

    def fill(self) -> None:
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=60)
        headers = {"Authorization": f"Bearer {self.server.key}", "Content-Type": "application/json"}
        for start in range(0, self.entities, 1000):
            batch = [{"type": self.type, "id": f"550e8400-e29b-41d4-a716-{number:012d}", "title": f"Product number {number}",
                      "categories": [f"category {number % 200}", f"group {number % 30}"], "brand": f"brand {number % 500}",
                      "price": f"{5 + number % 300}.99", "currency": "EUR", "inventory": number % 50}
                     for number in range(start, min(start + 1000, self.entities))]
            connection.request("PUT", "/v1/entities", json.dumps({"entities": batch}), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"PUT /v1/entities: {answer.status} {text[:300]!r}")

    def question(self) -> dict:
        low = self.random.randrange(5, 150)
        return {"user_id": f"u{self.random.randrange(self.users):07d}", "explain": True, "in_stock": True, "price_min": low,
                "price_max": low + 150, "entity_type": self.type}

    def run(self, rate: float, seconds: float, warmup: float = 1) -> dict:
        """Lists at a steady rate whatever the answers take; latencies count from when one was due."""
        path = self.server.folder / "lists.jsonl"
        path.write_text("".join(json.dumps(self.question()) + "\n" for _ in range(int(rate * (seconds + warmup)))))
        return load(self.server.url + "/v1/recommendations", headers=(f"Authorization: Bearer {self.server.key}",),
                    bodies=path, expect='"list_id"', rate=rate, connections=32, seconds=seconds, warmup=warmup)
