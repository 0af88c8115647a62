"""`r3 doctor`: is this machine ready, and how is what is wrong repaired?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from r3cli.errors import ChecksFailed, R3Error
from r3cli.events import Report, event, silent
from r3cli.monitor import folders, machine
from r3cli.monitor.checks import Finding, fix
from r3cli.paths import Paths
from r3cli.result import Data, Result, failed


class Diagnosis(Data, frozen=True, kw_only=True):
    """Everything that was looked at; `to_fix` and `warnings` are counts."""

    findings: tuple[Finding, ...]
    to_fix: int
    warnings: int


Check = Callable[[], Finding | list[Finding]]


def examine(paths: Paths, *, report: Report = silent) -> Result[Diagnosis]:
    """Look at everything. What must be repaired is a failure (exit 3); a warning or a missing card is not."""
    findings: list[Finding] = []
    checks = _checks(paths)
    for done, (name, check) in enumerate(checks.items()):
        report(event("doctor.check", name, level="debug", done=done, total=len(checks)))
        findings += _run(name, check)
    broken = [finding for finding in findings if finding.state == "fix"]
    warned = sum(finding.state == "warning" for finding in findings)
    diagnosis = Diagnosis(findings=tuple(findings), to_fix=len(broken), warnings=warned)
    if not broken:
        return Result(diagnosis)
    names = ", ".join(dict.fromkeys(finding.name for finding in broken))
    return failed(diagnosis, [ChecksFailed(f"to be fixed: {names}", hint=broken[0].command)])


def _checks(paths: Paths) -> dict[str, Check]:
    written = [paths.journal, paths.events]
    return {
        "python": machine.check_python,
        "packages": machine.check_packages,
        "memory": machine.check_memory,
        "disk": lambda: machine.check_disk(paths.state),
        "clock": lambda: machine.check_clock(written, datetime.now(UTC)),
        "gpu": machine.check_gpu,
        "settings": lambda: folders.check_settings(paths),
        "folders": lambda: folders.check_folders(paths),
        "wallets": lambda: folders.check_wallets(paths),
        "journal": lambda: folders.check_journal(paths),
        "exact arithmetic": machine.check_arithmetic,
    }


def _run(name: str, check: Check) -> list[Finding]:
    """One check's findings; one that cannot even look is itself something to fix."""
    try:
        found = check()
    except (R3Error, OSError) as error:
        return [fix(name, f"could not be checked: {error}")]
    return found if isinstance(found, list) else [found]
