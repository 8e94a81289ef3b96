"""Where ledger and store meet: HTTP, sign-in, keys, access log. Begin with `gateway.flow`."""
