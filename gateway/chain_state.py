"""The local devnet's state on disk, before anvil reads it: one genesis, and no more.

anvil (1.7.1) makes a genesis block of its own at every start, adds it to those in its state, and answers with any of
them: the chain's first block seems to change, and whoever checks that the chain is still the same finds that it is not.
"""

import json
from pathlib import Path

from gateway.secrets_at_rest import write_whole

_GENESIS = b'"number":"0x0"'


def keep_first_genesis(folder: Path) -> None:
    """Remove from the state files in a devnet's folder every genesis block but the first that there was."""
    for name in ("state.json", "state.saved.json"):
        path = folder / name
        if not path.exists():
            continue
        content = path.read_bytes()
        if content.count(_GENESIS) < 2:
            continue
        try:
            state = json.loads(content)
        except ValueError:
            continue  # cut short by a kill: the copy takes its place
        blocks = state["blocks"]
        genesis = [block for block in blocks if int(block["header"]["number"], 16) == 0]
        first = min(genesis, key=lambda block: int(block["header"]["timestamp"], 16))
        state["blocks"] = [first, *(block for block in blocks if int(block["header"]["number"], 16) != 0)]
        # As anvil writes it: the devnet tells a whole file by its last bytes.
        write_whole(path, json.dumps(state, separators=(",", ":")).encode())
