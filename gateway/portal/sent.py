"""What a browser sends with a form, read without a byte of it touching the disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from gateway.errors import InvalidInput

PREFIX = "/portal"
"""Path under which the portal is."""

_MOST_FIELDS = 2_000
_OWN = ("_csrf", "_key", "_page", "_whose")
"""Fields that every form carries: token of the session, idempotency key, page that shows it, mark of its person."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields of a form."""

    fields: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[UploadFile, ...]]
    path: str
    """Where it was sent to."""

    def one(self, name: str, default: str = "") -> str:
        """A field's value, without space around it."""
        return self.fields.get(name, (default,))[0].strip()

    def all(self, name: str) -> tuple[str, ...]:
        """A field's values."""
        return self.fields.get(name, ())

    @property
    def page(self) -> str:
        """The page that shows the form."""
        return local_path(self.one("_page")) or self.path

    def typed(self) -> dict[str, tuple[str, ...]]:
        """What the person typed or chose."""
        return {name: values for name, values in self.fields.items() if name not in _OWN}


async def read(request: Request) -> Sent:
    """Read a form, urlencoded or multipart.

    Raises:
        InvalidInput: it is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            multipart = MultiPartParser(request.headers, request.stream(), max_fields=_MOST_FIELDS)
            multipart.spool_max_size = 1 << 40  # what people send may be health data: no temporary file in the clear
            data = await multipart.parse()
        elif kind == "application/x-www-form-urlencoded":
            data = await FormParser(request.headers, request.stream()).parse()
        else:
            raise InvalidInput("Content-Type", "a form")
    except MultiPartException as failure:
        raise InvalidInput("form", "it is malformed") from failure
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, tuple[UploadFile, ...]] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            files[name] = (*files.get(name, ()), value)
        else:
            fields[name] = (*fields.get(name, ()), value)
    return Sent(fields, files, request.url.path)


def local_path(text: str) -> str | None:
    """The text, if it is a path of the portal and nothing else; a form or link leads nowhere else."""
    parts = urlsplit(text)
    inside = parts.path == PREFIX or parts.path.startswith(PREFIX + "/")
    clean = text.isascii() and text.isprintable() and "\\" not in text and len(text) < 500
    return text if inside and clean and not parts.scheme and not parts.netloc else None
