"""Checking what the ledger, a store and an access log prove, from outside: against a node and a store, with no gateway
and no database. What is proven and what is not is said in one sentence (`gateway.verify.checks`)."""
