"""`python -m gateway.verify`: the verifier without the rest of the command line, and without what that needs."""

from gateway.verify.archive_command import app

app(prog_name="verify")
