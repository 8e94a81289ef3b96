"""Compile the contracts into the artifact that ships with the package, or prove that it is what they compile to.

    python -m scripts.compile            # writes ledger/artifacts/HealthLedger.json
    python -m scripts.compile --check    # fails if that file is not what the sources give
    python -m scripts.compile --install  # fetches the native compiler, the faster one, by way of py-solc-x

The settings stand in brownie-config.yaml, so that Brownie compiles the same. A native compiler that py-solc-x has
installed is preferred; otherwise npm's WebAssembly build does it, behind scripts/solc.js. One source, built twice.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import solcx
import yaml
from solcx.exceptions import SolcError

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = "HealthLedger"
SOURCE = f"contracts/{CONTRACT}.sol"
ARTIFACT = Path("ledger", "artifacts", f"{CONTRACT}.json")
SIZE_LIMIT = 24_576
"""Most bytes of code that a contract may have (EIP-170)."""


class CompileError(Exception):
    """The contracts do not compile, or no compiler of the right version is there."""


def settings(root: Path) -> tuple[str, dict[str, Any]]:
    """The compiler's version and settings, from brownie-config.yaml."""
    compiler = yaml.safe_load((root / "brownie-config.yaml").read_text())["compiler"]
    solc = compiler["solc"]
    return str(solc["version"]), {
        "optimizer": solc["optimizer"],
        "viaIR": solc["viaIR"],
        "evmVersion": compiler["evm_version"],
        "remappings": solc["remappings"],
        # Without a digest of the sources' text a change in a comment leaves the bytecode as it is.
        "metadata": {"bytecodeHash": "none"},
    }


def find_compiler(root: Path, version: str) -> Path:
    """A native compiler of this very version, or the wrapper that setup left in build/bin."""
    native = solcx.get_solcx_install_folder() / f"solc-v{version}"
    wrapped = root / "build" / "bin" / f"solc-v{version}"
    for candidate in (native, wrapped):
        if candidate.is_file():
            return candidate
    raise CompileError(f"No solc {version}: neither {native} nor {wrapped} is there. Run `make setup`.")


def compile_contract(root: Path) -> dict[str, Any]:
    """Compile HealthLedger and all it imports; the answer holds nothing of the machine it was compiled on."""
    version, options = settings(root)
    selection = ["abi", "userdoc", "evm.bytecode.object", "evm.deployedBytecode"]
    try:
        output = solcx.compile_standard(
            {
                "language": "Solidity",
                "sources": {SOURCE: {"content": (root / SOURCE).read_text()}},
                "settings": {**options, "outputSelection": {SOURCE: {CONTRACT: selection}}},
            },
            solc_binary=find_compiler(root, version),
            base_path=root,
            allow_paths=root,
        )
    except SolcError as error:
        raise CompileError(error.message) from error

    warnings = [each["formattedMessage"] for each in output.get("errors", []) if each["severity"] == "warning"]
    if warnings:
        raise CompileError("The compiler warns, and its warnings count as errors:\n" + "\n".join(warnings))
    contract = output["contracts"][SOURCE][CONTRACT]
    deployed = contract["evm"]["deployedBytecode"]
    size = len(deployed["object"]) // 2
    if size > SIZE_LIMIT:
        raise CompileError(f"{CONTRACT} has {size:,} bytes of code; a contract may have {SIZE_LIMIT:,}.")
    places = [place for each in deployed.get("immutableReferences", {}).values() for place in each]
    return {
        "contractName": CONTRACT,
        "sourceName": SOURCE,
        "compiler": {"version": version, "settings": options},
        "abi": contract["abi"],
        "userdoc": contract["userdoc"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        # Where the constructor writes into the deployed code: who compares code leaves these bytes out.
        "immutables": sorted(places, key=lambda place: place["start"]),
    }


def render(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compile the contracts into the artifact that ships.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the artifact is another")
    parser.add_argument("--install", action="store_true", help="install the native compiler first")
    wanted = parser.parse_args()
    path = ROOT / ARTIFACT
    try:
        if wanted.install:
            solcx.install_solc(settings(ROOT)[0], show_progress=True)
        artifact = compile_contract(ROOT)
    except CompileError as error:
        sys.exit(str(error))

    text, size = render(artifact), len(artifact["deployedBytecode"]) // 2 - 1
    if not wanted.check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"{ARTIFACT}: {size:,} of {SIZE_LIMIT:,} bytes")
    elif not path.exists():
        sys.exit(f"{ARTIFACT} is missing. Run `python -m scripts.compile` and commit it.")
    elif path.read_text() != text:
        fields = ", ".join(differences(artifact, json.loads(path.read_text()))) or "the layout of the file"
        sys.exit(f"{ARTIFACT} is not what the contracts compile to ({fields}). Run `python -m scripts.compile`.")
    else:
        print(f"{ARTIFACT} is what the contracts compile to: {size:,} of {SIZE_LIMIT:,} bytes")


if __name__ == "__main__":
    main()
