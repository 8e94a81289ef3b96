"""The account that pays on a network that is measured: from a file with a key, or made up where gas is free.

account_key(Path("account.json"))   # asks for the passphrase, or takes CONSENT_LEDGER_PASSPHRASE
"""

import json
import os
from pathlib import Path
from secrets import token_bytes

import typer
from eth_account import Account

from gateway.cli.gas_output import reading_bar
from ledger.errors import LedgerError
from ledger.gas.waiting_lists import WaitingList, load_waiting_list


def account_key(key_file: Path | None) -> bytes:
    """The private key.

    Raises:
        LedgerError: the file is not there, or holds no key that opens.
    """
    if key_file is None:
        return token_bytes(32)
    try:
        text = key_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as failure:
        raise LedgerError(f"{key_file.name} cannot be read: {failure}") from failure
    if text.startswith("{"):
        passphrase = os.environ.get("CONSENT_LEDGER_PASSPHRASE") or typer.prompt(
            "Passphrase", hide_input=True, err=True
        )
        try:
            return bytes(Account.decrypt(json.loads(text), passphrase))
        except (ValueError, KeyError, TypeError) as failure:
            raise LedgerError(f"{key_file.name} does not open with this passphrase") from failure
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise LedgerError(f"{key_file.name} holds neither a keystore nor 32 bytes in hexadecimal")
    return key


def mix_times(mix: list[str]) -> dict[str, int]:
    """How often each workflow, from `name=times` or just `name`.

    Raises:
        BadParameter: what comes after = is no number of times.
    """
    times: dict[str, int] = {}
    for text in mix:
        name, equals, count = text.partition("=")
        if equals and not (count.isascii() and count.isdigit() and len(count) < 7):
            raise typer.BadParameter(f"--mix {text}: after = comes how often, such as {name}=2")
        times[name.strip()] = int(count) if equals else 1
    return times


def load_lists(files: list[Path]) -> list[tuple[str, WaitingList]]:
    """The files, each with its name.

    Raises:
        WaitingListUnreadable: one is no waiting list.
    """
    lists = []
    for path in files:
        with reading_bar(path) as tell:
            lists.append((path.name, load_waiting_list(path, progress=tell)))
    return lists
