"""Way: build it with go, from the modules that the etcd project publishes."""

import shutil
from pathlib import Path

from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import run
from requorum.lab.obtain.wanted import Progress, Wanted

_MODULES = ("server", "etcdctl", "etcdutl")
_TIDY_SECONDS = 300
_BUILD_SECONDS = 1200

# `go mod tidy` keeps a module only if a package of it is imported, and a main package cannot be:
# so these are what the three main packages import.
_PACKAGES = ("etcdctl/v3/ctlv3", "etcdutl/v3/etcdutl", "server/v3/etcdmain")
_PACKAGES_3_5 = ("etcdctl/v3/ctlv2", *_PACKAGES)


def from_go_modules(wanted: Wanted, work: Path, progress: Progress) -> Path:
    """Build etcd, etcdctl and etcdutl in a temporary module; return the directory of them."""
    version = _buildable(wanted)
    if shutil.which("go") is None:
        raise ToolUnfit("no go on PATH")
    module = work / "module"
    module.mkdir()
    (module / "go.mod").write_text(_go_mod(version), encoding="utf-8")
    (module / "tools.go").write_text(_tools_go(version), encoding="utf-8")
    progress(f"etcd {version}: building with go (about 75 s)")
    environment = {"CGO_ENABLED": "0", "GOWORK": "off"}
    run(["go", "mod", "tidy"], deadline=_TIDY_SECONDS, cwd=module, env=environment)
    packages = [f"go.etcd.io/etcd/{name}/v3" for name in _MODULES]
    build = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "bin/", *packages]
    (module / "bin").mkdir()
    run(build, deadline=_BUILD_SECONDS, cwd=module, env=environment)
    (module / "bin" / "server").rename(module / "bin" / "etcd")
    return module / "bin"


def _buildable(wanted: Wanted) -> EtcdVersion:
    version = wanted.release
    if version is None or version.minor_series < (3, 5):
        raise ToolUnfit("only 3.5 and later are published as modules that build")
    return version


def _tools_go(version: EtcdVersion) -> str:
    packages = _PACKAGES_3_5 if version.minor_series == (3, 5) else _PACKAGES
    imports = "".join(f'\t_ "go.etcd.io/etcd/{package}"\n' for package in packages)
    return f"package tools\n\nimport (\n{imports})\n"


def _go_mod(version: EtcdVersion) -> str:
    requires = "".join(f"\tgo.etcd.io/etcd/{name}/v3 v{version}\n" for name in _MODULES)
    return f"module requorum.invalid/etcd\n\ngo 1.24\n\nrequire (\n{requires})\n"
