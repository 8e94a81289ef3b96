"""Brownie, set up for this repository: with our compiler, our anvil, a free port, and a home of its own under build/.

    python3 scripts/run_brownie.py compile
    python3 scripts/run_brownie.py test --gas
    python3 scripts/run_brownie.py run deploy
    python3 scripts/run_brownie.py console

Brownie keeps its networks and accounts in the user's home; with a home of its own it leaves those alone, and two
runs at a time do not meet on one port. Whoever sets BROWNIE_NETWORK names another network, a live one for instance.
"""

import json
import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".venv-brownie" / "bin" / "brownie"
TOOLS = ROOT / "build" / "bin"
TESTS = ROOT / "tests" / "brownie"
HOME = ROOT / "build" / "brownie-home"
ON_A_NETWORK = ("console", "run", "test")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_networks(home: Path) -> None:
    """One development network: ours, where gas costs nothing, on a port that is free."""
    folder = home / ".brownie"
    folder.mkdir(parents=True, exist_ok=True)
    development = {
        "name": "Anvil",
        "id": "development",
        "cmd": "anvil",
        "host": "http://127.0.0.1",
        "cmd_settings": {
            "port": free_port(),
            "accounts": 10,
            "evm_version": "cancun",
            "gas_limit": 30_000_000,
            "base_fee": 0,
            "gas_price": 0,
            "steps_tracing": True,
        },
    }
    # JSON is YAML.
    (folder / "network-config.yaml").write_text(json.dumps({"live": [], "development": [development]}))


def main() -> None:
    words = sys.argv[1:]
    if not PROGRAM.exists():
        sys.exit("Brownie's environment is missing: run `make setup-brownie`.")
    environment = {
        **os.environ,
        "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}",
        "SOLCX_BINARY_PATH": str(TOOLS),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "PYTEST_ADDOPTS": f"-c {TESTS}/pyproject.toml --rootdir={ROOT} -p no:cacheprovider",
    }
    network = os.environ.get("BROWNIE_NETWORK", "development")
    if network == "development":
        write_networks(HOME)
        environment["HOME"] = str(HOME)
    if words and words[0] in ON_A_NETWORK and "--network" not in words:
        words += ["--network", network]
    os.chdir(ROOT)
    os.execve(PROGRAM, [str(PROGRAM), *words], environment)  # noqa: S606


if __name__ == "__main__":
    main()
