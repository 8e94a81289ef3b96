"""What an archive tells of one record beside its content: enough to seal it again, and so to show that it is the one
whose digest the ledger has.

>>> about_seal(gateway, digest, record_key, header)["record_key"]      # with it, content gives the digest again
"""

from typing import TYPE_CHECKING, Any

from gateway.export.holdings import Holding
from ledger.types import Address
from offchain_store.record import Header
from offchain_store.root import Root

if TYPE_CHECKING:
    from gateway.services import Gateway

_EXTENSIONS = {
    "application/fhir+json": "json",
    "application/json": "json",
    "application/pdf": "pdf",
    "application/dicom": "dcm",
    "application/fhir+xml": "xml",
    "application/xml": "xml",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/csv": "csv",
    "text/html": "html.txt",
    "text/plain": "txt",
}


def file_name(header: Header) -> str:
    """A name for the content that says what it is; what a browser would run is not named so."""
    return f"record.{_EXTENSIONS.get(header.media_type, 'bin')}"


def about_record(holding: Holding, names: dict[Address, str]) -> dict[str, Any]:
    """Who wrote it, of what kind it is, and what became of it."""
    return {
        "v": 1,
        "digest": holding.digest.hex(),
        "author": holding.author,
        "author_name": names.get(holding.author),
        "categories": holding.categories.labels(),
        "state": holding.state.name.lower(),
        "superseded_by": holding.successor.hex() if holding.successor else None,
    }


def about_seal(gateway: "Gateway", digest: bytes, record_key: bytes, header: Header) -> dict[str, Any]:
    """How content was sealed; anybody who has the content can do it again (`offchain_store/README.md`)."""
    root = Root.decode(gateway.store.get(digest))
    return {
        "record_key": record_key.hex(),
        "chunk": root.chunk_size,
        "category": header.category,
        "created": header.created.isoformat(),
        "media_type": header.media_type,
        "title": header.title,
    }
