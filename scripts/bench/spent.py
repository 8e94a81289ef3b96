"""Where a run's time went: its own seconds by whose code they were spent in, as a sentence.

>>> where_time_goes(lambda: json.loads("[1]"))
"Python's library 63%, Python's built-ins 21%"
"""

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from scripts.bench.report import Finding

_BUILT_IN = {
    "'_socket.socket'": "waiting for the other side of a socket",
    "'sqlite3.": "SQLite",
    "_libsecp256k1": "signing (secp256k1)",
    "cryptography.": "sealing (cryptography)",
    "'_thread.": "waiting for a thread",
    "posix.": "the file system",
    "_io.": "the file system",
    "time.sleep": "waiting for a block",
}
_OWN = ("ledger", "offchain_store", "gateway", "scripts")
_SHOWN = 6


def explained(finding: Finding, run: Callable[[], object]) -> Finding:
    """The finding, and if its aim is missed what bounds it, by running it once more."""
    return finding if finding.met else replace(finding, bound=where_time_goes(run))


def where_time_goes(run: Callable[[], object]) -> str:
    """Run once under the profiler, in this thread, and say where its time goes, the largest share first."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        run()
    finally:
        profile.disable()
    seconds: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        seconds[_whose(file, name)] += own
    whole = sum(seconds.values())
    return ", ".join(f"{who} {share / whole:.0%}" for who, share in seconds.most_common(_SHOWN))


def _whose(file: str, name: str) -> str:
    if file in ("~", ""):
        return next((who for part, who in _BUILT_IN.items() if part in name), "Python's built-ins")
    parts = PurePath(file).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    own = next((part for part in parts[:-1] if part in _OWN), None)
    return f"{own}/{parts[-1]}" if own else "Python's library"
