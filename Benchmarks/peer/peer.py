#!/usr/bin/env python3
"""Runs the peer: a private PostgreSQL cluster in a temporary folder, and uvicorn with app.py, both on free loopback ports.

    python3 Benchmarks/peer/peer.py [--workers 2] [--batch-insert unnest|executemany|copy] [--folder DIR]

prints the address and serves until it is interrupted. Benchmarks/run uses the class below. No system cluster is touched;
what was started is ended by its own process id, and the folder is removed.
"""

import argparse
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def postgres_programs() -> pathlib.Path:
    """The folder of the newest initdb and postgres."""
    folders = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    newest = sorted(folders, key=lambda folder: [int(part) for part in folder.parent.name.split(".")], reverse=True)
    found = shutil.which("initdb")
    for folder in newest + ([pathlib.Path(found).resolve().parent] if found else []):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise SystemExit("PostgreSQL's programs are missing; run scripts/setup bench")


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def stop(process: subprocess.Popen, first: signal.Signals, seconds: float = 30) -> None:
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Postgres:
    """A cluster of its own: initdb, postgres on a free loopback port, stopped and removed at the end."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.process: subprocess.Popen | None = None
        self.port = free_port()
        self.password = secrets.token_hex(16)
        # PostgreSQL refuses to run as root.
        self.account: dict = {}
        if os.geteuid() == 0:
            import pwd

            for name in ("postgres", "nobody"):
                try:
                    entry = pwd.getpwnam(name)
                except KeyError:
                    continue
                self.account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
                break

    @property
    def url(self) -> str:
        return f"postgresql://peer:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        programs = postgres_programs()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.account:
            os.chown(self.folder, self.account["user"], self.account["group"])
        os.chmod(self.folder, 0o700)
        log = open(self.folder.parent / "postgres.log", "ab")
        with tempfile.NamedTemporaryFile("w", dir="/tmp", suffix=".pw") as password:
            password.write(self.password)
            password.flush()
            if self.account:
                os.chown(password.name, self.account["user"], self.account["group"])
            command = [str(programs / "initdb"), "-D", str(self.folder / "cluster"), "-U", "peer", "-E", "UTF8",
                       "--locale=C", "-A", "scram-sha-256", f"--pwfile={password.name}"]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self.account)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            # Durable as Footfall is: the answer waits for the disk.
            "fsync": "on",
            "synchronous_commit": "on",
            # What a careful operator sets on a machine of this size.
            "shared_buffers": f"{min(1024, memory_bytes() // 4 >> 20)}MB",
            "max_wal_size": "8GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
        }
        command = [str(programs / "postgres"), "-D", str(self.folder / "cluster")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                        start_new_session=True, **self.account)
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f"PostgreSQL did not start; see {self.folder.parent / 'postgres.log'}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit("PostgreSQL does not listen after 60 s") from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process:
            stop(self.process, signal.SIGINT)  # fast shutdown: ends the connections, then itself
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


class Peer:
    """PostgreSQL and uvicorn; `with Peer(folder) as peer: … peer.url …`."""

    def __init__(self, folder: pathlib.Path, workers: int = 2, batch_insert: str = "unnest", pool: int = 10):
        # PostgreSQL's own account must be able to reach the folder; a project below a closed home is not.
        probe = folder.resolve()
        closed = os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in probe.parents if parent.exists())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footfall-peer-", dir="/var/tmp")) if closed else probe
        if closed:
            os.chmod(self.folder, 0o711)
        self.workers, self.batch_insert, self.pool = workers, batch_insert, pool
        self.port = free_port()
        self.postgres = Postgres(self.folder / "postgres")
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Peer":
        python = PROJECT / ".venv/bin/python"
        if not python.exists():
            raise SystemExit("the peer's Python environment is missing; run scripts/setup bench")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.postgres.start()
            environment = dict(os.environ, DATABASE_URL=self.postgres.url, PEER_BATCH_INSERT=self.batch_insert,
                               PEER_POOL=str(self.pool))
            self.create_schema(python, environment)
            log = open(self.folder / "uvicorn.log", "ab")
            command = [str(python), "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(self.port),
                       "--workers", str(self.workers), "--loop", "uvloop", "--http", "httptools",
                       "--no-access-log", "--log-level", "warning"]
            self.process = subprocess.Popen(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def create_schema(self, python: pathlib.Path, environment: dict) -> None:
        for attempt in range(100):  # the port listens before recovery ends
            result = subprocess.run([str(python), "app.py"], cwd=HERE, env=environment, capture_output=True, text=True)
            if result.returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit(f"the peer's table could not be made:\n{result.stderr}")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the peer did not start; see {self.folder / 'uvicorn.log'}")
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=1).read()
                time.sleep(0.5)  # the other workers
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)

    def __exit__(self, *_) -> None:
        if self.process:
            stop(self.process, signal.SIGTERM)
            self.process = None
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="FastAPI + asyncpg + PostgreSQL peer of the feed's tracking route")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pool", type=int, default=10, help="database connections of each worker")
    parser.add_argument("--batch-insert", choices=["unnest", "executemany", "copy"], default="unnest")
    parser.add_argument("--folder", type=pathlib.Path, default=PROJECT / "bench-out/peer")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Peer(options.folder, options.workers, options.batch_insert, options.pool) as peer:
        print(peer.url, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
