"""etcd-dump-logs, which the etcd project publishes as source alone: built with go."""

import shutil
from pathlib import Path

from requorum.app.practice.lab import obtained
from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import run

_PACKAGE = "go.etcd.io/etcd/v3/tools/etcd-dump-logs"
_GO_MOD = "module requorum.invalid/dump-logs\n\ngo 1.24\n"
_GET_SECONDS, _BUILD_SECONDS = 300, 600


def dump_logs(directory: Path) -> Path:
    """Return it, of the release that made the log; built below `directory` where it is not there.

    ToolUnfit or DeadlineExceeded where that fails.
    """
    module = directory / "etcd-dump-logs"
    tool = module / "etcd-dump-logs"
    if tool.exists():
        return tool
    if shutil.which("go") is None:
        raise ToolUnfit("no go on PATH")
    version = obtained("3.5", print).version
    module.mkdir(exist_ok=True)
    (module / "go.mod").write_text(_GO_MOD, encoding="utf-8")
    environment = {"CGO_ENABLED": "0", "GOWORK": "off"}
    print(f"etcd-dump-logs {version}: building with go")
    run(["go", "get", f"{_PACKAGE}@v{version}"], deadline=_GET_SECONDS, cwd=module, env=environment)
    argv = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", tool.name, _PACKAGE]
    run(argv, deadline=_BUILD_SECONDS, cwd=module, env=environment)
    return tool
