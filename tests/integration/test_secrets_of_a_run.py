"""A credential that was typed is nowhere in what a run leaves or says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

SECRET, PASSWORD = "s3cr3tT0ken42", "pa55w0rd77"
MODEL = '''
from vtbench.core.info import TokenizerInfo

class Closed:
    """Asks somebody's service, which refuses some images and says with what it was asked."""

    def __init__(self, token: str, url: str) -> None:
        self.info = TokenizerInfo(name="closed", kind="continuous")
        self.told, self.calls = f"HTTP 403 for {url} with token={token}", 0

    def reconstruct(self, images):
        self.calls += 1
        if images.mean() > 0.5:
            raise RuntimeError(self.told)
        return images
'''


def test_a_credential_is_nowhere(workplace: Path, command_line: Callable[..., CompletedProcess[str]]) -> None:
    (workplace / "closed.py").write_text(MODEL)
    reference = f"./closed.py:Closed,token={SECRET},url='https://me:{PASSWORD}@host/api'"
    given = ("run", "--tokenizer", reference, "--task", "small.yaml", "--limit", "8", "--out", "out")
    said = [command_line(*given, *more, cwd=workplace) for more in ((), ("--json",), ("--dry-run",))]
    said.append(command_line("show", "out", cwd=workplace))
    said.append(command_line("report", "out", "-o", "out/report.html", cwd=workplace))
    assert [done.returncode for done in said] == [0] * 5, [done.stderr for done in said]
    assert "token=***" in said[1].stdout and "***@host" in said[1].stdout
    for secret in (SECRET, PASSWORD):
        assert all(secret not in done.stdout + done.stderr for done in said)
        for path in sorted((workplace / "out").rglob("*")):
            assert secret not in path.name
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path
