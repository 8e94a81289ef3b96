"""Throughput and latency, each measured beside a baseline of the same run: `make bench`, or `python -m scripts.bench`.

Everything runs on one machine: the gateway, what it is compared with, and the node of both. On one with 2 processors
and 23 GB of memory, kept busy by other work as well, so that only ratios mean something:

    batch of 1,000         1.7 and 2.5 times the ceiling of single transactions signed beforehand, in two runs; aim 3
    batch of 10,000        2.1 and 4.5 times, the ceiling itself falling to a half and less meanwhile; aim 3
    single posting         0.46 of that ceiling; aim 0.3
    opening among 1,000    3.1 times the same bytes unverified; aim 3
    opening among 100,000  3.3 times
    opening, flat          1.07 times as long among 100,000 records and consents as among 1,000; aim 1.25
    index rebuild          6,000 events a second, 201,258 in all; aim 5,000

Opening was measured before calls were encoded, and keys kept, as they are now. Batches are bound by processor time, of
which a record takes 137 µs and a single transaction 274 µs on a new chain. The ceiling sinks as the chain grows, since
anvil hashes its whole state for each block: so each size of batch has a new chain.

To repeat one of them: `python -m scripts.bench --only batches --rounds 9 --json figures.json`; the file has every
sample. Opening fills a chain with 200,000 acts first: minutes, and 10 GB of memory or more for anvil.
"""
