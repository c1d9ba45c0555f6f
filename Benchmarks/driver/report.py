"""Results: a JSON line each as they come, and a table at the end."""

import json
import os
import pathlib
import platform
import subprocess
import time
from typing import Any


class Report:
    def __init__(self, path: pathlib.Path, project: pathlib.Path, quick: bool, cpus: str | None):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows, self.failures = path, [], []
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=project, capture_output=True, text=True)
        self.write({
            "scenario": "run", "metric": "machine", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "cores": len(os.sched_getaffinity(0)), "cpus": cpus, "cpu": self.cpu_model(), "kernel": platform.release(),
            "commit": commit.stdout.strip() or None, "quick": quick,
        })

    @staticmethod
    def cpu_model() -> str:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
        return "unknown"

    def write(self, line: dict) -> None:
        text = json.dumps(line)
        print(text, flush=True)
        with self.path.open("a") as file:
            file.write(text + "\n")

    def add(self, scenario: str, metric: str, value: float | None, unit: str, *, at_least: float | None = None,
            at_most: float | None = None, **detail: Any) -> None:
        """One figure; with a bound, whether it is kept."""
        kept = None
        if value is not None and at_least is not None:
            kept = value >= at_least
        if value is not None and at_most is not None:
            kept = value <= at_most
        target = f"≥ {at_least:,g}" if at_least is not None else f"≤ {at_most:,g}" if at_most is not None else ""
        line = {"scenario": scenario, "metric": metric, "value": value, "unit": unit}
        if target:
            line |= {"target": target, "kept": kept}
        self.write(line | ({"detail": detail} if detail else {}))
        self.rows.append((scenario, metric, value, unit, target, kept))

    def fail(self, scenario: str, reason: str) -> None:
        self.failures.append((scenario, reason))
        self.write({"scenario": scenario, "error": reason})

    @staticmethod
    def readable(value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.3g}"

    def table(self) -> str:
        marks = {None: "", True: "kept", False: "MISSED"}
        header = ("scenario", "figure", "value", "unit", "target", "")
        rows = [header] + [(s, m, self.readable(v), u, t, marks[k]) for s, m, v, u, t, k in self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        lines = []
        for number, row in enumerate(rows):
            cells = [cell.rjust(widths[i]) if i == 2 else cell.ljust(widths[i]) for i, cell in enumerate(row)]
            lines.append("  ".join(cells).rstrip())
            if number == 0:
                lines.append("  ".join("-" * width for width in widths))
        lines += [f"FAILED {scenario}: {reason}" for scenario, reason in self.failures]
        return "\n".join(lines)

    @property
    def all_kept(self) -> bool:
        return not self.failures and all(row[5] is not False for row in self.rows)
