"""What doctor looks at in the machine: Python, packages, memory, disk, clock, graphics cards, arithmetic."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from r3cli.layout import PACKAGE
from r3cli.monitor.checks import Finding, fix, ok, warning

OLDEST_PYTHON = (3, 11)
LOW_DISK_BYTES, LEAST_DISK_BYTES = 2 << 30, 200 << 20
LOW_MEMORY_BYTES = 1 << 30
SELF_TEST_SECONDS = 120
OFFERED_EXTRAS = ("train",)

_TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux; what the call writes must fit


def check_python() -> Finding:
    """The interpreter's version."""
    found = f"{platform.python_version()} in {sys.prefix}"
    if sys.version_info < OLDEST_PYTHON:
        return fix("python", f"{found} is too old", "install Python 3.11 or newer")
    return ok("python", found)


def check_packages() -> list[Finding]:
    """The packages that r3 needs, and those of each extra."""
    wanted = _requirements()
    present, absent = _versions(wanted.get("", []))
    found = ok("packages", ", ".join(present))
    if absent:
        found = fix("packages", f"missing: {', '.join(absent)}", "pip install --force-reinstall r3cli")
    return [found, *(_check_extra(extra, wanted.get(extra, [])) for extra in OFFERED_EXTRAS)]


def check_memory() -> Finding:
    """Memory that is free for work."""
    import psutil

    memory = psutil.virtual_memory()
    detail = f"{_gib(memory.available)} of {_gib(memory.total)} available, {os.cpu_count()} CPUs"
    return warning("memory", detail) if memory.available < LOW_MEMORY_BYTES else ok("memory", detail)


def check_disk(folder: Path) -> Finding:
    """Free space where the state lies or will lie."""
    free = shutil.disk_usage(existing_parent(folder)).free
    detail = f"{_gib(free)} free for {folder}"
    if free < LEAST_DISK_BYTES:
        return fix("disk", detail, f"free some space, or choose another folder: --state DIR (now {folder})")
    return warning("disk", detail) if free < LOW_DISK_BYTES else ok("disk", detail)


def check_clock(written: list[Path], now: datetime) -> Finding:
    """Whether the clock can be right: not before what was written by it, and synchronised as the kernel sees it."""
    newest = max((path.stat().st_mtime for path in written if path.exists()), default=0.0)
    released = (PACKAGE / "__init__.py").stat().st_mtime
    if now.timestamp() < max(newest, released) - 60:
        return fix(
            "clock", f"it says {now:%Y-%m-%d %H:%M} UTC, before files that exist", "sudo timedatectl set-ntp true"
        )
    if _kernel_clock_state() == _TIME_ERROR:
        return warning("clock", "the kernel does not know it to be synchronised", "timedatectl status")
    return ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def check_gpu() -> Finding:
    """NVIDIA cards as the driver names them. None is a fact, not a fault."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        return ok("gpu", "none found")
    except pynvml.NVMLError as error:
        return warning("gpu", f"the NVIDIA driver does not answer: {error}", "nvidia-smi")
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        cards = ", ".join(_card(handle) for handle in handles)
        return ok("gpu", f"{cards or 'none found'}; driver {pynvml.nvmlSystemGetDriverVersion()}")
    except pynvml.NVMLError as error:
        return warning("gpu", f"the NVIDIA driver does not answer: {error}", "nvidia-smi")
    finally:
        pynvml.nvmlShutdown()


def check_arithmetic() -> Finding:
    """The self-test of exact mode, in a process of its own: it may die of an illegal instruction."""
    name = "exact arithmetic"
    if importlib.util.find_spec("torch") is None:
        return warning(name, "not tested: torch is not installed", "pip install 'r3cli[train]'")
    command = [sys.executable, "-P", "-c", _SELF_TEST]
    environ = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and text
            command, env=environ, capture_output=True, text=True, timeout=SELF_TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return warning(name, f"the self-test did not end in {SELF_TEST_SECONDS} s")
    if done.returncode != 0:
        complaint = (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]
        return fix(name, f"the self-test died: {complaint}", "r3 train run --mode fast")
    failed = json.loads(done.stdout)
    if failed:
        return fix(name, f"fails here: {', '.join(failed)}", "r3 train run --mode fast")
    return ok(name, "every probe of the self-test passed")


_SELF_TEST = """
import json, torch
torch.set_num_threads(1)
from r3cli.train.selftest import self_test
print(json.dumps([f"{check.name} ({check.relies_on})" for check in self_test().checks if not check.passed]))
"""


def existing_parent(folder: Path) -> Path:
    """The nearest folder that exists already."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _check_extra(extra: str, packages: list[str]) -> Finding:
    present, absent = _versions(packages)
    if absent:
        return warning(f"extra {extra}", f"missing: {', '.join(absent)}", f"pip install 'r3cli[{extra}]'")
    return ok(f"extra {extra}", ", ".join(present))


def _requirements() -> dict[str, list[str]]:
    """The names of required packages by extra; the empty name is for what is always needed."""
    found: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("r3cli") or []:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", requirement)
        if name:
            found.setdefault(extra[1] if extra else "", []).append(name[0])
    return found


def _versions(packages: list[str]) -> tuple[list[str], list[str]]:
    """The packages that are there, with their versions, and those that are not."""
    present, absent = [], []
    for package in packages:
        try:
            present.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(package)
    return present, absent


def _kernel_clock_state() -> int:
    """What adjtimex says when it is only asked; -1 where there is no such call."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (AttributeError, OSError):
        return -1


def _card(handle: object) -> str:
    import pynvml

    return f"{pynvml.nvmlDeviceGetName(handle)} {_gib(pynvml.nvmlDeviceGetMemoryInfo(handle).total)}"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
