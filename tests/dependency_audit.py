"""`python -m tests.dependency_audit`: known vulnerabilities of what is locked, by pip-audit.

It fails where there is one. Where the database cannot be had, as on a machine without a network, it
says that nothing was audited, in one line, and holds nobody up.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
OSV_URL = "https://api.osv.dev/v1/query"
WAIT_SECONDS = 10
UNREACHED = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")
"""What pip-audit's last line names where it did not reach the database."""


def audit(locks: list[Path], osv_url: str = OSV_URL) -> tuple[int, list[str]]:
    """Return exit status and lines: 1 and the findings, or 0 and what was audited, if anything."""
    done = subprocess.run(
        [
            Path(sys.executable).parent / "pip-audit",
            *(f"--requirement={lock}" for lock in locks),
            *("--disable-pip", "--no-deps"),  # a lock states all there is, so nothing is resolved
            *("--vulnerability-service=osv", f"--osv-url={osv_url}"),
            *("--format=json", "--progress-spinner=off", f"--timeout={WAIT_SECONDS}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return judge(done.stdout, done.stderr)


def judge(out: str, err: str) -> tuple[int, list[str]]:
    """Return exit status and lines for what pip-audit printed."""
    if not out.strip():
        last_line = err.strip().rpartition("\n")[2]
        if any(name in last_line for name in UNREACHED):
            return 0, ["Not audited: the database of known vulnerabilities cannot be reached"]
        return 1, ["pip-audit failed:", err.strip()]
    found = json.loads(out)["dependencies"]
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in found if "skip_reason" in each]
    vulnerable = [
        f"{each['name']} {each['version']}: {one['id']}, mended in "
        f"{', '.join(one['fix_versions']) or 'no release yet'}"
        for each in found
        for one in each.get("vulns", ())
    ]
    if vulnerable or skipped:
        return 1, [*vulnerable, *skipped]
    return 0, [f"No known vulnerability in {len(found)} locked packages"]


if __name__ == "__main__":
    status, lines = audit([ROOT / lock for lock in LOCKS])
    print("\n".join(lines))
    sys.exit(status)
