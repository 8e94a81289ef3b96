"""Settings, from the environment (`CONSENT_LEDGER_...`) or by name; every default runs on one machine as it is.

>>> Settings(data_dir=Path("somewhere")).database("index")
'sqlite:///somewhere/index.db'
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How one gateway runs."""

    model_config = SettingsConfigDict(env_prefix="CONSENT_LEDGER_", frozen=True, extra="forbid")

    data_dir: Path = Path(".consent-ledger")
    """Where everything of this gateway lies that is not on the chain."""

    host: str = "127.0.0.1"
    """Address to listen on; the loopback unless said otherwise."""
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str | None = None
    """The origin that people type, for sign-in messages and cookies; default: `http://localhost:<port>`."""

    node_url: str | None = None
    """JSON-RPC URL of an Ethereum node; none: a local devnet is started, its state kept under `data_dir`."""
    chain_id: int = Field(default=43771, ge=1, lt=2**53)
    """Of the local devnet."""
    block_time: float | None = 0.2
    """Seconds between the devnet's blocks; none: a block for every transaction, which a heavy load does not survive."""
    deployment: Path | None = None
    """Deployment file of the ledger; default: `deployment.json` in `data_dir`, made on the devnet's first start."""
    gas_price: int | None = Field(default=None, ge=0)
    """Wei a unit of gas; none: 0 on the local devnet, else what the node suggests."""
    confirmations: int = Field(default=0, ge=0)
    """Blocks that bury an act before it counts as final."""

    store: Literal["local", "ipfs"] = "local"
    ipfs_api: str = "/ip4/127.0.0.1/tcp/5001"
    """Multiaddress of Kubo's RPC."""

    database_url: str | None = None
    """PostgreSQL URL for index, outbox, log and sessions; none: SQLite files in `data_dir`."""

    max_record_bytes: int = Field(default=1 << 30, gt=0)
    """Largest record taken in, in bytes."""
    max_json_bytes: int = Field(default=1 << 20, gt=0)
    """Largest body of every other request, in bytes."""
    max_form_bytes: int = Field(default=64 << 20, gt=0)
    """Largest form with files that the portal takes, in bytes: it is held in memory, none of it on disk."""
    session_idle_seconds: int = Field(default=15 * 60, gt=0)
    session_absolute_seconds: int = Field(default=8 * 3600, gt=0)
    wait_seconds: float = Field(default=15.0, ge=0)
    """How long a write waits to be mined before it answers 202."""
    expiry_notice_days: int = Field(default=14, ge=1, le=3650)
    """How many days before a consent or delegation ends its patient is told."""
    expiry_sweep_seconds: int = Field(default=600, ge=0)
    """How often what is about to end is looked for."""
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    """How long a line of the access log waits at most before a checkpoint that counts it is signed and sent."""
    checkpoint_lines: int = Field(default=1_000, ge=1)
    """How many lines wait at most."""
    retention_sweep_seconds: int = Field(default=60, ge=0)
    """How often what is due by an organization's retention rules is disposed of."""
    scrypt_n: int = Field(default=1 << 17, ge=2)
    """Cost of unlocking a keystore; a power of two."""
    passphrase_least: int = Field(default=10, ge=1)
    """Least number of characters of a passphrase."""

    @property
    def origin(self) -> str:
        """Scheme, host and port under which people reach this gateway."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def domain(self) -> str:
        """Host and port of the origin: what a sign-in message is bound to."""
        return self.origin.partition("://")[2]

    @property
    def deployment_path(self) -> Path:
        return self.deployment or self.data_dir / "deployment.json"

    @property
    def operator_key(self) -> Path:
        """The key of the organization that runs this gateway."""
        return self.data_dir / "keys" / "operator.key"

    def database(self, name: str) -> str:
        """The URL of one of the databases; with PostgreSQL they are one."""
        return self.database_url or f"sqlite:///{self.data_dir / name}.db"
