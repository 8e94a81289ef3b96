"""Forms that bring files along: who sends them is checked before a byte of them is read.

>>> @router.post("/laboratory/results")
... def results(form: FileFormDep) -> Response: ...

An ordinary form is read first, so that what was typed is not lost with a session that has ended; a file is still on its
sender's disk, and nobody unknown makes this gateway hold tens of megabytes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from gateway.errors import BodyTooLarge
from gateway.portal.errors import FormStale
from gateway.portal.forms import Form, is_ours
from gateway.portal.sent import Sent, read
from gateway.portal.view import signed_in_view


@dataclass(frozen=True, slots=True)
class Taken:
    """One file of a form, as a whole."""

    name: str
    """As its sender knows it, with the folder where a folder was dropped."""
    media_type: str
    content: bytes


async def form_with_files_of(request: Request) -> AsyncIterator[Form]:
    """A form of whoever is signed in; its files are let go of when it has been answered.

    Raises:
        NotSignedIn, NotPermitted: before anything was read.
        BodyTooLarge: more than `max_form_bytes`; it has been let through and kept nowhere, for a browser that is cut
            off in the middle of sending shows no answer.
        FormStale: it was made for another session.
    """
    view = await run_in_threadpool(signed_in_view, request)
    most = view.gateway.settings.max_form_bytes
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > most:
        async for _ in request.stream():
            pass
        raise BodyTooLarge(most)
    sent = await read(request)
    try:
        if not is_ours(view, sent):
            raise FormStale(sent)
        yield Form(view, await run_in_threadpool(_with_digests, sent))
    finally:
        for file in (one for files in sent.files.values() for one in files):
            await file.close()


def _with_digests(sent: Sent) -> Sent:
    """Another file under the same idempotency key is another form."""
    digests = []
    for file in (one for files in sent.files.values() for one in files):
        digests.append(sha256(file.file.read()).hexdigest())
        file.file.seek(0)
    return replace(sent, fields={**sent.fields, "file-digests": tuple(digests)})


def taken(file: UploadFile) -> Taken:
    """A file's name and content."""
    name = (file.filename or "").replace("\\", "/").strip("/")
    return Taken(name, (file.content_type or "").partition(";")[0].strip().lower(), file.file.read())


FileFormDep = Annotated[Form, Depends(form_with_files_of)]
