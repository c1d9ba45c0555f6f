"""The server under test: started on a free port with a data folder of its own, and ended by its process id."""

import json
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

from machine import PROJECT, cpu_seconds, load, memory_of, note

CANONICAL_ITEM = (
    '{"id":"{id}","type":{type},"entity_type":"post","entity_id":"{entity}","user_id":"{user}",'
    '"metadata":{"duration":{duration},"scroll_depth":{depth},"source":"feed"}}'
)
# The peer's route, byte for byte what the peer gets.
FEED_ITEM = (
    '{"post_id":"{entity}","interaction_type":{type},'
    '"metadata":{"duration":{duration},"scroll_depth":{depth},"source":"feed"}}'
)
# A user of its own for each item: with {user} a batch of 1,000 would be one user's.
PRODUCT_ITEM = ('{"id":"{id}","type":{type},"entity_type":"product","entity_id":"{entity}","user_id":"{any_user}",'
                '"context":"product_page"}')
BATCH = {"prefix": '{"interactions":[', "suffix": "]}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def query(path: pathlib.Path, sql: str) -> int:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(sql).fetchone()[0]
    finally:
        database.close()


class Footfall:
    """`with Footfall(binary, folder) as server: server.collect(batch=20, seconds=5)`"""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, *options: str):
        self.binary, self.folder, self.data, self.options = binary, folder, folder / "data", options
        self.process: subprocess.Popen | None = None
        self.port, self.key = 0, ""
        self.acknowledged = 0  # interactions answered with 2xx since the data folder was made

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Footfall":
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> float:
        """Seconds from exec until /readyz says 200."""
        self.port = free_port()
        begin = time.monotonic()
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "serve", "--data", str(self.data), "--port", str(self.port), *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"footfall ended with {self.process.returncode}:\n{self.last_words()}")
            try:
                with urllib.request.urlopen(self.url + "/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except (OSError, urllib.error.URLError):
                pass
            if time.monotonic() - begin > 600:
                raise RuntimeError(f"footfall is not ready after 600 s:\n{self.last_words()}")
            time.sleep(0.005)
        seconds = time.monotonic() - begin
        if not self.key:
            self.key = self.new_key("secret")
        return seconds

    def new_key(self, scope: str) -> str:
        return self.command("keys create", "--scope", scope).strip()

    def command(self, name: str, *options: str) -> str:
        """What a command prints that works on the folder for tenant demo."""
        done = subprocess.run(
            [str(self.binary), *name.split(), "--data", str(self.data), "--tenant", "demo", *options],
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"footfall {name}: {done.stderr[-2000:]}")
        return done.stdout

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 120) -> float:
        """Seconds until it ended."""
        if not self.process:
            return 0
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                note("footfall did not stop in time and is killed")
                self.process.kill()
                self.process.wait()
        self.process = None
        return time.monotonic() - begin

    def last_words(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-3000:]

    # ---- Requests ------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        return self.ask(path)

    def post(self, path: str, body: dict) -> str:
        return self.ask(path, json.dumps(body).encode())

    def ask(self, path: str, body: bytes | None = None) -> str:
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Content-Type": "application/json"} if body else {})
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=30) as answer:
            return answer.read().decode()

    def cpu(self) -> float:
        return cpu_seconds(self.process.pid)

    def memory(self) -> dict[str, int]:
        return memory_of(self.process.pid)

    def collect(self, *, batch: int, feed: bool = False, item: str = CANONICAL_ITEM, **settings: object) -> dict:
        """Load on a collecting path; the answer gains `cpu_us_per_item`, the server's CPU time for each interaction."""
        path, item = ("/api/track", FEED_ITEM) if feed else ("/v1/interactions", item)
        headers = (f"Authorization: Bearer {self.key}",) + (("X-User-Id: {user}",) if feed else ())
        shape = BATCH if batch > 1 else {}
        expect = self.expected(path, item, headers, batch)
        before = self.cpu()
        answer = load(self.url + path, headers=headers, item=item, batch=batch, expect=expect, **shape, **settings)
        spent = self.cpu() - before
        self.acknowledged += answer["acknowledged"] * batch
        answer["cpu_us_per_item"] = spent / max(1, answer["acknowledged"] * batch) * 1e6
        return answer

    def expected(self, path: str, item: str, headers: tuple[str, ...], batch: int) -> str:
        """What an answer says when all of a batch is stored: read off one real answer, so that spacing may be any."""
        body = item.replace("{type}", '"view"').replace("{duration}", "1000").replace("{depth}", "10")
        body = body.replace("{user}", "u0000001").replace("{any_user}", "u0000001")
        body = body.replace("{entity}", "550e8400-e29b-41d4-a716-000000000000")
        body = body.replace("{id}", f"probe-{time.time_ns()}")
        fields = dict(header.replace("{user}", "u0000001").split(": ", 1) for header in headers)
        request = urllib.request.Request(self.url + path, data=body.encode(),
                                         headers=fields | {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path} answers {error.code}: {error.read().decode(errors='replace')[:1000]}") from None
        if json.loads(text).get("tracked") != 1:
            raise RuntimeError(f"{path} did not store a plain interaction: {text[:1000]}")
        self.acknowledged += 1
        separator = ": " if '"tracked": 1' in text else ":"
        return f'"tracked"{separator}{batch}'

    def fill(self, target: int, **population: int) -> None:
        """Collects until the store holds about `target` interactions."""
        missing = target - self.acknowledged
        if missing > 0:
            batch = 1000 if missing > 20000 else 20
            note(f"filling the store to {target:,}")
            self.collect(batch=batch, requests=-(-missing // batch), connections=8, **population)

    # ---- The file ------------------------------------------------------------------------------------

    def store_file(self) -> pathlib.Path:
        """The tenant's SQLite file: the one that has the table user_interactions."""
        for path in sorted((self.data / "tenants" / "demo").rglob("*")):
            if path.is_file() and path.open("rb").read(15) == b"SQLite format 3":
                if query(path, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'user_interactions'"):
                    return path
        raise RuntimeError("no file of tenant demo has the table user_interactions")

    def stored(self) -> int:
        return query(self.store_file(), "SELECT count(*) FROM user_interactions")
