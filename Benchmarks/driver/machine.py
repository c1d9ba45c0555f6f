"""What every scenario needs from the machine: the C programs, CPU time of process trees, the place for results."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
LOAD = PROJECT / ".build/load"
TICK = os.sysconf("SC_CLK_TCK")


def note(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def program(name: str, *arguments: object, allowed: tuple[int, ...] = (0,)) -> dict:
    """Runs one of Benchmarks/load's programs and returns the JSON line it prints."""
    command = [str(LOAD / name)] + [str(argument) for argument in arguments]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if result.returncode not in allowed or not result.stdout.strip():
        raise RuntimeError(f"{name} ended with {result.returncode}: {result.stdout.strip()[:2000]}")
    return json.loads(result.stdout)


def load(url: str, *, headers: tuple[str, ...] = (), strict: bool = True, **settings: object) -> dict:
    """Runs the load generator. Settings are its options (`seconds=5`, `rate=…`); None leaves one out.

    Strict: anything but 2xx with the expected body is an error of the benchmark, not a figure.
    """
    arguments: list[object] = ["--url", url]
    for header in headers:
        arguments += ["--header", header]
    for name, value in settings.items():
        if value is not None:
            arguments += [f"--{name}", value]
    answer = program("load", *arguments, allowed=(0, 1))
    trouble = {code: count for code, count in answer["status"].items() if not code.startswith("2")}
    trouble |= {name: count for name, count in answer["errors"].items() if count}
    if strict and (trouble or answer["requests"] == 0):
        raise RuntimeError(f"{url}: {trouble or 'no answer at all'}")
    return answer


def children_of() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry))
    return children


def cpu_seconds(*roots: int) -> float:
    """User and system time of the processes and their descendants, ended and reaped ones included."""
    children, waiting, total = children_of(), list(roots), 0.0
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15]) / TICK
    return total


def memory_of(process: int) -> dict[str, int]:
    """Bytes by the kernel's name: VmRSS, VmHWM, RssAnon, RssFile."""
    wanted = ("VmRSS", "VmHWM", "RssAnon", "RssFile")
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name: int(value.split()[0]) * 1024 for name, value in pairs if name in wanted}


def busy_fraction(seconds: float = 1.0) -> float:
    """How much of the machine others use right now, 0…1: a benchmark on a busy machine measures the neighbours."""

    def read() -> tuple[int, int]:
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    total, idle = read()
    time.sleep(seconds)
    later_total, later_idle = read()
    return 1 - (later_idle - idle) / max(1, later_total - total)


class Background:
    """Runs a function on a thread while something else is measured; `result()` waits for it."""

    def __init__(self, work):
        self.value, self.error = None, None

        def body():
            try:
                self.value = work()
            except Exception as error:
                self.error = error

        self.thread = threading.Thread(target=body, daemon=True)
        self.thread.start()

    def result(self):
        self.thread.join()
        if self.error:
            raise self.error
        return self.value
