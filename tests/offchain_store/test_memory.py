"""A large record needs little memory: measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import resource, sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from offchain_store.envelope import open_envelope, seal
from offchain_store.local import LocalStore
from offchain_store.record import Header
from offchain_store.store import VerifiedStore

SIZE = 200 << 20

class Image:
    left = SIZE
    digest = sha256()

    def read(self, count):
        count = min(count, self.left)
        self.left -= count
        part = self.left.to_bytes(8, "big") * (count // 8 + 1)
        self.digest.update(part[:count])
        return part[:count]

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

store = VerifiedStore(LocalStore(Path(sys.argv[1])))
header = Header("application/dicom", 4, "CT", datetime(2026, 5, 4, tzinfo=UTC))
before = peak()
image = Image()
sealed = seal(image, header, store)
opened = open_envelope(store, sealed.digest, sealed.record_key)
digest = sha256()
for chunk in opened.chunks:
    digest.update(chunk)
assert sealed.size == opened.size == SIZE
assert digest.digest() == image.digest.digest()
print(peak() - before)
"""


def test_200_mb_go_through_the_store_in_less_than_64_mb(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 64
