"""Compile the contracts into the artifact that ships with the package, or prove that it is what they compile to.

    python -m scripts.compile            # writes ledger/artifacts/HealthLedger.json
    python -m scripts.compile --check    # fails if that file is not what the sources give
    python -m scripts.compile --install  # fetches the native compiler, the faster one, by way of py-solc-x

The settings stand in brownie-config.yaml, so that Brownie compiles the same. A native compiler that py-solc-x has
installed is preferred; otherwise npm's WebAssembly build does it, behind scripts/solc.js. One source, built twice.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import solcx
import yaml
from solcx.exceptions import SolcError

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ("HealthLedgerDecision", "HealthLedgerCare", "HealthLedgerExtension", "HealthLedger")
"""In the order in which they are made; the last is the ledger, and has the address that everybody knows."""
ARTIFACT = Path("ledger", "artifacts", "HealthLedger.json")
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


def compile_contracts(root: Path, names: Sequence[str] = CONTRACTS) -> dict[str, Any]:
    """Compile the ledger, or some of its contracts, and all they import; the answer holds nothing of the machine it was
    compiled on."""
    version, options = settings(root)
    sources = {f"contracts/{name}.sol": {"content": (root / f"contracts/{name}.sol").read_text()} for name in names}
    selection = ["abi", "userdoc", "storageLayout", "evm.bytecode.object", "evm.deployedBytecode"]
    try:
        output = solcx.compile_standard(
            {
                "language": "Solidity",
                "sources": sources,
                "settings": {**options, "outputSelection": {"*": {"": ["ast"], "*": selection}}},
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
    compiled = {name: output["contracts"][f"contracts/{name}.sol"][name] for name in names}
    variables = dict(_variables(output["sources"]))
    return {
        "contractName": names[-1],
        "compiler": {"version": version, "settings": options},
        "abi": merged_abi([compiled[name]["abi"] for name in reversed(names)]),
        "userdoc": merged_userdoc([compiled[name]["userdoc"] for name in names]),
        "contracts": [_contract(name, compiled[name], variables) for name in names],
    }


def merged_abi(abis: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What there is at the ledger's address: no constructors and fallbacks, and everything else once."""
    entries = [entry for abi in abis for entry in abi if entry["type"] in ("function", "event", "error")]
    unique = {json.dumps(entry, sort_keys=True): entry for entry in entries}
    return sorted(unique.values(), key=lambda entry: (entry["type"], entry["name"]))


def merged_userdoc(docs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sentences that explain functions, events and errors; the last contract's where several have one."""
    merged: dict[str, Any] = {}
    for doc in docs:
        for key, value in doc.items():
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return merged


def _contract(name: str, compiled: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """The code of one contract, and where in it the constructor writes.

    Raises:
        CompileError: it is larger than a contract may be.
    """
    deployed = compiled["evm"]["deployedBytecode"]
    size = len(deployed["object"]) // 2
    if size > SIZE_LIMIT:
        raise CompileError(f"{name} has {size:,} bytes of code; a contract may have {SIZE_LIMIT:,}.")
    immutables = [
        {"name": variables[variable], **place}
        for variable, places in deployed.get("immutableReferences", {}).items()
        for place in places
    ]
    return {
        "contractName": name,
        "sourceName": f"contracts/{name}.sol",
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        # Who compares code leaves these bytes out.
        "immutables": sorted(immutables, key=lambda place: place["start"]),
        "storage": [
            # The numbers in a type are those of this run's syntax tree.
            [each["label"], int(each["slot"]), each["offset"], re.sub(r"(?<=\))\d+", "", each["type"])]
            for each in compiled["storageLayout"]["storage"]
        ],
    }


def _variables(node: Any) -> Iterator[tuple[str, str]]:
    """The names of all variables of a syntax tree by their numbers, as the compiler names immutables."""
    if isinstance(node, dict):
        if node.get("nodeType") == "VariableDeclaration":
            yield str(node["id"]), node["name"]
        for value in node.values():
            yield from _variables(value)
    elif isinstance(node, list):
        for value in node:
            yield from _variables(value)


def sizes(artifact: dict[str, Any]) -> str:
    """How large each contract is, as a line."""
    each = [(one["contractName"], len(one["deployedBytecode"]) // 2 - 1) for one in artifact["contracts"]]
    return ", ".join(f"{name} {size:,}" for name, size in each) + f" of {SIZE_LIMIT:,} bytes"


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
        artifact = compile_contracts(ROOT)
    except CompileError as error:
        sys.exit(str(error))

    text = render(artifact)
    if not wanted.check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"{ARTIFACT}: {sizes(artifact)}")
    elif not path.exists():
        sys.exit(f"{ARTIFACT} is missing. Run `python -m scripts.compile` and commit it.")
    elif path.read_text() != text:
        fields = ", ".join(differences(artifact, json.loads(path.read_text()))) or "the layout of the file"
        sys.exit(f"{ARTIFACT} is not what the contracts compile to ({fields}). Run `python -m scripts.compile`.")
    else:
        print(f"{ARTIFACT} is what the contracts compile to: {sizes(artifact)}")


if __name__ == "__main__":
    main()
