"""Throughput and latency, each measured beside a baseline of the same run: `make bench`, or `python -m scripts.bench`.

Everything runs on one machine: the gateway, what it is compared with, and the node of both. On one with 2 processors
and 23 GB of memory, in one run of four and a quarter minutes:

    batch of 1,000         3.2 times the ceiling of single transactions signed beforehand; aim 3
    batch of 10,000        3.4 times that ceiling; aim 3
    single posting         0.54 of that ceiling; aim 0.3
    opening among 1,000    2.9 times the same bytes unverified; aim 3
    opening among 100,000  2.9 times
    opening, flat          1.00 times as long among 100,000 records and consents as among 1,000; aim 1.25
    index rebuild          9,400 events a second, 201,258 in all; aim 5,000

Batches are bound by processor time, of which a record takes 102 to 108 µs in all processes together, and a single
transaction 345 to 348 µs. The ceiling sinks as a chain grows, since anvil hashes its whole state for each block: so
each size of batch has a new chain, where the ceiling is highest. Four runs had 2.9, 3.1, 3.2 and 3.2 for batches of
1,000 (2.6 to 2.9 in the first of their three rounds, 2.9 to 3.4 in the last), and 3.4 to 3.9 for those of 10,000.

To repeat one of them: `python -m scripts.bench --only batches --rounds 9 --json figures.json`; the file has every
sample. Opening fills a chain with 200,000 acts first, for which anvil takes 3 GB of memory.
"""
