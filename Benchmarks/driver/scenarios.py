"""The scenarios. Each compares with a yardstick taken in the same run: a peer, SQLite alone, fsync alone, a constant route."""

import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

from footfall import BATCH, FEED_ITEM, PRODUCT_ITEM, Footfall
from listing import Listing
from machine import LOAD, PROJECT, Background, cpu_seconds, load, note, program
from models import als, training
from orders import Orders
from report import Report
from searches import Shop

sys.path.insert(0, str(PROJECT / "Benchmarks/peer"))
from peer import Peer  # noqa: E402

ENTITIES = USERS = 100_000
PEER_WORKERS = (1, 2)


@dataclass
class Sizes:
    """How long and how much. `quick` tries everything in a minute or two; its figures mean little."""

    seconds: float = 10
    probe: float = 2
    rounds: int = 2
    small: int = 100_000
    large: int = 10_000_000
    slice: int = 400_000
    popular_fill: int = 2_000_000
    bare_rows: int = 2_000_000

    @staticmethod
    def quick() -> "Sizes":
        return Sizes(seconds=2, probe=0.5, rounds=1, small=20_000, large=200_000, slice=40_000, popular_fill=100_000,
                     bare_rows=200_000)


@dataclass
class Bench:
    report: Report
    binary: pathlib.Path
    folder: pathlib.Path
    sizes: Sizes
    facts: dict[str, float] = field(default_factory=dict)
    large_store: Footfall | None = None

    # ---- Shared yardsticks and states ----------------------------------------------------------------

    def fresh(self, name: str) -> Footfall:
        """Models are trained when a scenario asks for it: figures do not depend on whether one happens to be under way."""
        return Footfall(self.binary, self.folder / name, "--training-seconds", "0")

    def large(self, size: int) -> Footfall:
        """The one big store that cost, popular, restart and memory look at; grown, never made twice."""
        if self.large_store is None:
            self.large_store = self.fresh("large")
            self.large_store.__enter__()
        self.large_store.fill(size, users=USERS, entities=ENTITIES)
        return self.large_store

    def close(self) -> None:
        if self.large_store:
            self.large_store.__exit__()
            self.large_store = None

    def best(self, measure, connections: list[int]) -> dict:
        """The best rate over the numbers of connections: short tries of each, then the measured run of the best."""
        tries = {count: measure(connections=count, seconds=self.sizes.probe, warmup=0.5) for count in connections}
        chosen = max(tries, key=lambda count: tries[count]["items_per_s"])
        return measure(connections=chosen, seconds=self.sizes.seconds, warmup=1)

    @property
    def peer_runs(self) -> int:
        """Measured runs of the peer, and so of ours: the best of more runs is better on a machine that is not quiet."""
        return len(PEER_WORKERS) * self.sizes.rounds

    def peer_rates(self) -> None:
        """The peer's best rates, singles and batches of 20, with one worker and with two."""
        if "peer_batch" in self.facts:
            return
        runs: list[tuple[int, int, dict]] = []
        for workers in PEER_WORKERS:
            with Peer(self.folder / "peer", workers=workers) as peer:
                for batch in (1, 20):

                    def measure(**settings):
                        shape = BATCH if batch > 1 else {}
                        processes = (peer.process.pid, peer.postgres.process.pid)
                        before = cpu_seconds(*processes)
                        answer = load(peer.url + "/api/track", headers=("X-User-Id: {user}",), item=FEED_ITEM,
                                      batch=batch, expect=f'"tracked":{batch}', users=USERS, entities=ENTITIES, **shape,
                                      **settings)
                        spent = cpu_seconds(*processes) - before
                        answer["cpu_us_per_item"] = spent / (answer["acknowledged"] * batch) * 1e6
                        return answer

                    note(f"peer: {workers} workers, batches of {batch}")
                    for _ in range(self.sizes.rounds):
                        runs.append((batch, workers, self.best(measure, [16, 32, 64])))
        for batch, name in ((1, "singles"), (20, "batches of 20")):
            workers, best = max(((w, run) for b, w, run in runs if b == batch), key=lambda pair: pair[1]["items_per_s"])
            self.facts["peer_single" if batch == 1 else "peer_batch"] = best["items_per_s"]
            self.report.add("peer", f"{name}: interactions", best["items_per_s"], "/s", workers=workers, **brief(best))
            self.report.add("peer", f"{name}: CPU", best["cpu_us_per_item"], "us/interaction")

    def bare_sqlite(self, store: pathlib.Path | None) -> float:
        """Rows/s of SQLite alone, of the same columns and bytes as our table when there is a store to copy them from."""
        like = ["--like", store] if store else []
        runs = [program("sqlite_insert", self.folder, "--rows", self.sizes.bare_rows, *like)
                for _ in range(self.sizes.rounds)]
        best = max(runs, key=lambda run: run["rows_per_s"])
        self.report.add("machine", "SQLite alone, 2,000 rows a commit", best["rows_per_s"], "rows/s", **best)
        return best["rows_per_s"]


def brief(answer: dict) -> dict:
    kept = ("connections", "batch", "requests_per_s", "latency_us", "cpu_us_per_item", "generator_cpu_s", "seconds")
    return {name: answer[name] for name in kept if name in answer}


# ---- The scenarios, in the order in which they run ---------------------------------------------------------


def machine(bench: Bench) -> None:
    """What this machine can do by itself: fsync, SQLite, and how far the load generator goes."""
    fsync = program("fsync", bench.folder, min(5, bench.sizes.seconds))
    bench.facts["fsync_p50"], bench.facts["fsync_p99"] = fsync["latency_us"]["p50"], fsync["latency_us"]["p99"]
    bench.report.add("machine", "append 64 KiB and fdatasync, idle: p50", fsync["latency_us"]["p50"], "us", **fsync)
    bench.report.add("machine", "append 64 KiB and fdatasync, idle: p99", fsync["latency_us"]["p99"], "us")
    bench.bare_sqlite(None)
    server = subprocess.Popen([str(LOAD / "constant")], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/"
        answer = load(url, connections=32, seconds=min(3, bench.sizes.seconds), warmup=0.5)
        bench.report.add("machine", "load generator against a constant answer", answer["requests_per_s"], "requests/s",
                         **brief(answer))
    finally:
        server.kill()
        server.wait()


def batches(bench: Bench) -> None:
    """Collecting in batches of 20, durable before the answer, against the peer and against SQLite alone."""
    bench.peer_rates()
    runs: dict[bool, list[dict]] = {False: [], True: []}
    for _ in range(bench.peer_runs):
        for feed in (False, True):
            with bench.fresh("batches") as server:
                note(f"footfall: batches of 20, {'/api/track' if feed else '/v1/interactions'}")

                def measure(**settings):
                    return server.collect(batch=20, feed=feed, users=USERS, entities=ENTITIES, **settings)

                runs[feed].append(bench.best(measure, [16, 64, 128]))
                store, stored = server.store_file(), server.stored()
                if stored != server.acknowledged:
                    raise RuntimeError(f"{server.acknowledged:,} interactions acknowledged, {stored:,} stored")
                if "sqlite" not in bench.facts:
                    bench.facts["sqlite"] = bench.bare_sqlite(store)
    best, same = (max(runs[feed], key=lambda run: run["items_per_s"]) for feed in (False, True))
    bench.facts["top_batch"] = best["items_per_s"]
    bench.facts["top_connections"] = best["connections"]
    report = bench.report
    report.add("batches", "/v1/interactions in 20s", best["items_per_s"], "/s", **brief(best))
    report.add("batches", "/v1/interactions in 20s: CPU", best["cpu_us_per_item"], "us/interaction")
    report.add("batches", "/api/track in 20s (the peer's bytes)", same["items_per_s"], "/s", **brief(same))
    report.add("batches", "times the peer", best["items_per_s"] / bench.facts["peer_batch"], "x", at_least=15)
    report.add("batches", "times the peer, the same bytes", same["items_per_s"] / bench.facts["peer_batch"], "x")
    report.add("batches", "of SQLite alone", best["items_per_s"] / bench.facts["sqlite"], "x", at_least=0.5)


def singles(bench: Bench) -> None:
    """Collecting one by one, against the peer."""
    bench.peer_rates()
    runs: dict[bool, list[dict]] = {False: [], True: []}
    for _ in range(bench.peer_runs):
        for feed in (False, True):
            with bench.fresh("singles") as server:
                note(f"footfall: singles, {'/api/track' if feed else '/v1/interactions'}")

                def measure(**settings):
                    return server.collect(batch=1, feed=feed, users=USERS, entities=ENTITIES, **settings)

                runs[feed].append(bench.best(measure, [32, 128, 512]))
    best, same = (max(runs[feed], key=lambda run: run["items_per_s"]) for feed in (False, True))
    bench.report.add("singles", "/v1/interactions one by one", best["items_per_s"], "/s", **brief(best))
    bench.report.add("singles", "/v1/interactions one by one: CPU", best["cpu_us_per_item"], "us/interaction")
    bench.report.add("singles", "/api/track one by one (the peer's bytes)", same["items_per_s"], "/s", **brief(same))
    bench.report.add("singles", "times the peer", best["items_per_s"] / bench.facts["peer_single"], "x", at_least=20)
    bench.report.add("singles", "times the peer, the same bytes", same["items_per_s"] / bench.facts["peer_single"], "x")


def acknowledgement(bench: Bench) -> None:
    """How long an answer takes at half of the top rate, against fsync alone, both idle and beside the same load."""
    report, sizes = bench.report, bench.sizes
    with bench.fresh("acknowledgement") as server:
        population = {"users": USERS, "entities": ENTITIES}
        if "top_batch" not in bench.facts:
            top = bench.best(lambda **settings: server.collect(batch=20, **population, **settings), [16, 64, 128])
            bench.facts["top_batch"] = top["items_per_s"]
        rate = bench.facts["top_batch"] / 20 / 2
        note(f"footfall: half of the top rate, {rate * 20:,.0f}/s in batches of 20")
        calm = program("fsync", bench.folder, min(3, sizes.seconds))
        quiet = [server.collect(batch=20, rate=rate, connections=64, seconds=sizes.seconds, warmup=1, **population)
                 for _ in range(max(2, sizes.rounds))]
        best = min(quiet, key=lambda run: run["latency_us"]["p99"])
        # The yardstick beside the load is a run of its own: its fsyncs would slow the acknowledgements that count.
        beside = Background(lambda: program("fsync", bench.folder, max(1, sizes.seconds - 1)))
        shared = server.collect(batch=20, rate=rate, connections=64, seconds=sizes.seconds, warmup=1, **population)
        loaded = beside.result()
    p99 = best["latency_us"]["p99"]
    report.add("acknowledgement", "p50 at half of the top rate", best["latency_us"]["p50"], "us", rate=rate, **brief(best),
               service_us=best["service_us"], send_lag_us=best["send_lag_us"])
    report.add("acknowledgement", "p99 at half of the top rate", p99, "us")
    report.add("acknowledgement", "fdatasync p99, idle", calm["latency_us"]["p99"], "us", **calm)
    report.add("acknowledgement", "fdatasync p50, beside that load", loaded["latency_us"]["p50"], "us", **loaded)
    report.add("acknowledgement", "fdatasync p99, beside that load", loaded["latency_us"]["p99"], "us",
               acknowledgement_p99_meanwhile=shared["latency_us"]["p99"])
    report.add("acknowledgement", "p99 in idle fdatasyncs' p99", p99 / calm["latency_us"]["p99"], "x")
    report.add("acknowledgement", "p99 in fdatasyncs' p99 beside the load", p99 / loaded["latency_us"]["p99"], "x", at_most=3)


def cost(bench: Bench) -> None:
    """What one more interaction costs with 100,000 stored, and with 10 million."""
    sizes, report = bench.sizes, bench.report
    population = {"users": USERS, "entities": ENTITIES}

    def slices(server: Footfall) -> list[dict]:
        return [server.collect(batch=20, requests=sizes.slice // 20, connections=64, **population)]

    small: list[dict] = []
    for _ in range(3):
        with bench.fresh("small") as server:
            server.fill(sizes.small, **population)
            small += slices(server)
    server = bench.large(sizes.large)
    large = [run for _ in range(3) for run in slices(server)]
    costs = [statistics.median(run["cpu_us_per_item"] for run in runs) for runs in (small, large)]
    rates = [statistics.median(run["items_per_s"] for run in runs) for runs in (small, large)]
    for index, size in enumerate((sizes.small, sizes.large)):
        report.add("cost", f"CPU with {size:,} stored", costs[index], "us/interaction",
                   runs=[round(run["cpu_us_per_item"], 3) for run in (small, large)[index]])
        report.add("cost", f"rate with {size:,} stored", rates[index], "/s",
                   runs=[round(run["items_per_s"]) for run in (small, large)[index]])
    report.add("cost", "growth of the CPU cost", costs[1] / costs[0], "x", at_most=1.2)
    report.add("cost", "growth of the time", rates[0] / rates[1], "x", at_most=1.2)


def popular(bench: Bench) -> None:
    """The popular list over 100,000 entities, against a constant route, at the same rate."""
    server = bench.large(bench.sizes.popular_fill)
    headers = (f"Authorization: Bearer {server.key}",)
    if not json.loads(server.get("/v1/popular?limit=10")).get("items"):
        raise RuntimeError("/v1/popular is empty")
    runs: dict[str, list[dict]] = {"/healthz": [], "/v1/popular?limit=10": []}
    for _ in range(3):
        for path, answers in runs.items():
            answers.append(load(server.url + path, headers=headers, rate=5000, connections=32,
                                seconds=bench.sizes.seconds, warmup=1))
    constant, lists = (sorted(answers, key=lambda run: run["latency_us"]["p99"])[1] for answers in runs.values())
    top = load(server.url + "/v1/popular?limit=10", headers=headers, connections=32, seconds=bench.sizes.seconds, warmup=1)
    bench.report.add("popular", "constant route at 5,000/s: p99", constant["latency_us"]["p99"], "us", **brief(constant))
    bound = max(2000.0, 3 * constant["latency_us"]["p99"])
    bench.report.add("popular", "/v1/popular at 5,000/s: p99", lists["latency_us"]["p99"], "us", at_most=round(bound, 1),
                     **brief(lists), stored=server.acknowledged)
    bench.report.add("popular", "/v1/popular, as fast as it goes", top["requests_per_s"], "requests/s", **brief(top))


def restart(bench: Bench) -> None:
    """Seconds from exec to ready with 10 million stored: after a stop, and after a kill."""
    server = bench.large(bench.sizes.large)
    stopping = server.stop()
    seconds = server.start()
    bench.report.add("restart", f"ready after a stop, {server.acknowledged:,} stored", seconds, "s", at_most=10,
                     stop_seconds=stopping)
    server.collect(batch=20, requests=bench.sizes.slice // 20, connections=64, users=USERS, entities=ENTITIES)
    server.stop(signal.SIGKILL)
    seconds = server.start()
    stored = server.stored()
    bench.report.add("restart", f"ready after a kill, {server.acknowledged:,} stored", seconds, "s", at_most=10)
    bench.report.add("restart", "acknowledged but not stored", server.acknowledged - stored, "interactions", at_most=0)
    if stored > server.acknowledged:
        raise RuntimeError(f"{stored - server.acknowledged:,} interactions stored twice or unasked")


def memory(bench: Bench) -> None:
    """Memory with 10 million stored, 100,000 entities and 100,000 users, and where /metrics says it is."""
    server = bench.large(bench.sizes.large)
    parts = server.memory()
    bench.report.add("memory", f"resident with {server.acknowledged:,} stored", parts["VmRSS"] / 2**20, "MiB", at_most=2048,
                     **parts)
    bench.report.add("memory", "peak", parts["VmHWM"] / 2**20, "MiB")
    owners = {}
    for line in server.get("/metrics").splitlines():
        found = re.match(r'(\w*(?:memory|resident)\w*)(?:\{([^}]*)\})?\s+([0-9.eE+-]+)', line)
        if found:
            owners[found[2] or found[1]] = float(found[3])
    for owner, size in sorted(owners.items(), key=lambda pair: -pair[1]):
        bench.report.add("memory", f"/metrics: {owner}", size / 2**20, "MiB")
    if not owners:
        bench.report.fail("memory", "/metrics names no owner of memory")


def live(bench: Bench) -> None:
    """Updates of the live state on one core, by the Swift benchmark."""
    program_path = bench.binary.parent / "footfall-bench"
    if not program_path.exists():
        note("live: there is no footfall-bench; left out")
        return
    result = subprocess.run([str(program_path), "live"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise RuntimeError(f"footfall-bench live: {result.stderr[-1000:]}")
    for line in result.stdout.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            name = answer.pop("benchmark")
            if name == "live_update":
                # With preferences and neighbours; a million was promised of counters, trends and sessions alone.
                for label, figure in (("updates of one core", "per_second"),
                                      ("updates of one core, last tenth", "per_second_last_tenth")):
                    bench.report.add("live", label, answer[figure], "interactions/s", at_least=250_000, **answer)
            else:
                figure = next(iter(answer))
                bench.report.add("live", f"{name}: {figure}", answer[figure], "", **answer)


def search(bench: Bench) -> None:
    """Searches of one to three words at 500/s over 100,000 entities: prefixes, typing mistakes and filters among them."""
    entities = 100_000 if bench.sizes.seconds > 2 else 5_000
    with bench.fresh("search") as server:
        note(f"footfall: a catalogue of {entities:,}")
        shop = Shop(server, entities)
        shop.fill()
        shop.settle()
        os.sync()  # what the catalogue has left to write is not to be the searches' affair
        note("footfall: searches at 500/s")
        answer = shop.run(rate=500, seconds=bench.sizes.seconds, warmup=2)
        counted = len(json.loads(server.get("/v1/searches?limit=1000"))["searches"])
        memory = server.memory()
    latency = answer["latency_us"]
    name = f"500/s over {entities:,} entities, stored before the answer"
    bench.report.add("search", f"{name}: p50", latency["p50"], "us", listed=counted, **brief(answer))
    bench.report.add("search", f"{name}: p99", latency["p99"], "us", at_most=10_000)
    bench.report.add("search", f"{name}: CPU", answer["cpu_us"], "us/search", at_most=1000)
    bench.report.add("search", "resident", memory["VmRSS"] / 2**20, "MiB")


def lists(bench: Bench) -> None:
    """Recommendations (personal, with filters and explanation) and similar entities at 2,000/s, for users with a history,
    against a constant route at the same rate."""
    entities = users = ENTITIES if bench.sizes.seconds > 2 else 5_000
    with bench.fresh("lists") as server:
        note(f"footfall: a catalogue of {entities:,}")
        catalogue(server, entities)
        note(f"footfall: {bench.sizes.large:,} interactions of {users:,} users")
        server.collect(batch=1000, requests=bench.sizes.large // 1000, connections=8, users=users, entities=entities, skew=2,
                       item=PRODUCT_ITEM)
        known = random.Random(5)
        asked = [json.loads(server.get(PERSONAL.replace("{user}", f"u{known.randrange(users):07d}"))) for _ in range(200)]
        # What the person did has a say in the list: these are users that exist.
        personal = sum(1 for answer in asked
                       if any(item["explain"]["sentence"].startswith("Because you") for item in answer["items"])) / len(asked)
        short = sum(1 for answer in asked if len(answer["items"]) < 10)
        paths = {"constant route": "/healthz", "/v1/recommendations": PERSONAL,
                 "/v1/recommendations in a category": PERSONAL + "&category=Category%207",
                 "/v1/similar": "/v1/similar/product/{entity}?limit=10"}
        os.sync()
        runs: dict[str, list[dict]] = {name: [] for name in paths}
        for _ in range(3):
            for name, path in paths.items():
                before = server.cpu()
                answer = load(server.url + path, headers=(f"Authorization: Bearer {server.key}",), rate=2000, connections=32,
                              seconds=bench.sizes.seconds / 2, warmup=0.5, users=users, entities=entities, skew=2)
                answer["cpu_us"] = (server.cpu() - before) / max(1, answer["sent"]) * 1e6
                runs[name].append(answer)
    chosen = {name: sorted(answers, key=lambda run: run["latency_us"]["p99"])[1] for name, answers in runs.items()}
    constant = chosen.pop("constant route")
    bench.report.add("lists", "constant route at 2,000/s: p99", constant["latency_us"]["p99"], "us", **brief(constant))
    bound = max(2000.0, 3 * constant["latency_us"]["p99"])
    for name, answer in chosen.items():
        bench.report.add("lists", f"{name} at 2,000/s: p99", answer["latency_us"]["p99"], "us", at_most=round(bound, 1),
                         **brief(answer), runs=[round(run["latency_us"]["p99"]) for run in runs[name]])
        cost = statistics.median(run["cpu_us"] for run in runs[name])
        bench.report.add("lists", f"{name}: CPU", cost, "us/list")
    bench.report.add("lists", "of 200 lists, those that name what the person did", personal, "x", at_least=0.9,
                     shorter_than_asked=short)


def catalogue(server: Footfall, entities: int) -> None:
    """Products with the ids that the load generator draws."""
    words = random.Random(6)
    names = ["".join(words.choices("aabcdeefghiiklmnooprstuuvw", k=words.randint(3, 9))) for _ in range(5000)]
    shop = Shop(server, entities)
    connection = shop.connection()
    for start in range(0, entities, 1000):
        batch = [{"type": "product", "id": f"550e8400-e29b-41d4-a716-{number:012d}", "title": " ".join(words.choices(names, k=4)),
                  "categories": [f"Category {number % 50}"], "brand": f"Brand {number % 300}",
                  "price": f"{words.randrange(5, 400)}.50", "currency": "EUR", "inventory": words.randrange(0, 9)}
                 for number in range(start, min(start + 1000, entities))]
        shop.send(connection, "PUT", "/v1/entities", {"entities": batch})


PERSONAL = "/v1/recommendations?user_id={user}&entity_type=product&limit=10&explain=true&in_stock=true&price_max=300"


def shop(bench: Bench) -> None:
    """Carts of 100,000 users, each change durable before its answer, as fast as they go; and signed paid orders."""
    with bench.fresh("shop") as server:
        catalogue(server, 10_000)
        headers = (f"Authorization: Bearer {server.key}", "X-User-Id: {user}")

        def carts(**settings):
            before = server.cpu()
            answer = load(server.url + "/users/me/carts/of-{user}/items", headers=headers, batch=1, users=USERS,
                          entities=10_000, item='{"product_id":"{entity}","quantity":1}', **settings)
            answer["cpu_us"] = (server.cpu() - before) / max(1, answer["sent"]) * 1e6
            return answer

        best = bench.best(carts, [16, 64, 256])
        bench.report.add("shop", "cart changes of different users", best["requests_per_s"], "/s", **brief(best))
        bench.report.add("shop", "cart changes: CPU", best["cpu_us"], "us/change")
        secret = server.new_key("webhook")
        told = Orders(server, secret, products=10_000, users=USERS).run(seconds=bench.sizes.seconds)
        bench.report.add("shop", "paid orders of two products", told["orders_per_s"], "/s", **told)


def serving(bench: Bench) -> None:
    """Personal lists of ten with filters, caps and explanation while 5,000 interactions a second arrive, against a constant
    route under the same load: 100,000 entities, 100,000 users."""
    binary = bench.binary.parent / "footfall-bench"
    if binary.exists():
        result = subprocess.run([str(binary), "serve", "--interactions", str(bench.sizes.large)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        for line in result.stdout.splitlines():
            answer = json.loads(line)
            name = answer.pop("benchmark")
            bench.report.add("serving", f"{name}: CPU of a list", answer["processor_us"], "us",
                             **({"at_most": 300} if name != "serve_narrow" else {}), **answer)
    server = bench.large(bench.sizes.popular_fill)
    shop = Listing(server, ENTITIES, USERS)
    shop.fill()
    headers = (f"Authorization: Bearer {server.key}",)
    population = {"users": USERS, "entities": ENTITIES}

    def beside(measure) -> dict:
        arriving = Background(lambda: server.collect(batch=20, rate=250, connections=16, warmup=0,
                                                     seconds=bench.sizes.seconds + 1, **population))
        answer = measure()
        arriving.result()
        return answer

    def best(measure) -> dict:
        return min((beside(measure) for _ in range(2)), key=lambda run: run["latency_us"]["p99"])

    def constant_route(rate: int) -> dict:
        return load(server.url + "/healthz", headers=headers, rate=rate, connections=32, seconds=bench.sizes.seconds, warmup=1)

    def lists_at(rate: int) -> dict:
        return shop.run(rate=rate, seconds=bench.sizes.seconds)

    for rate in (1000, 2000):
        note(f"footfall: lists at {rate:,}/s beside 5,000 interactions/s")
        shop.run(rate=rate, seconds=2)
        constant, served = best(lambda: constant_route(rate)), best(lambda: lists_at(rate))
        bench.report.add("serving", f"constant route at {rate:,}/s beside 5,000 interactions/s: p99",
                         constant["latency_us"]["p99"], "us", **brief(constant))
        bench.report.add("serving", f"lists at {rate:,}/s beside 5,000 interactions/s: p99", served["latency_us"]["p99"], "us",
                         at_most=round(max(2000.0, 3 * constant["latency_us"]["p99"]), 1), **brief(served))
    note("footfall: the same beside a training")
    server.post("/v1/models/train", {"tune_seconds": 600})
    served = best(lambda: lists_at(1000))
    if json.loads(server.get("/v1/models"))["training"]["state"] != "running":
        raise RuntimeError("the training ended before its figure was measured")
    bench.report.add("serving", "lists at 1,000/s beside 5,000 interactions/s and a training: p99", served["latency_us"]["p99"],
                     "us", at_most=10_000, **brief(served))


ALL = {scenario.__name__: scenario
       for scenario in (machine, batches, singles, acknowledgement, live, cost, popular, search, lists, serving, shop, memory,
                        restart, als, training)}


def peer(bench: Bench) -> None:
    """The peer alone."""
    bench.peer_rates()


SELECTABLE = ALL | {"peer": peer}
