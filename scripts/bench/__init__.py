"""Throughput and latency, each measured beside a baseline of the same run: `make bench`, or `python -m scripts.bench`.

Everything runs on one machine: the gateway, what it is compared with, and the node of both. On an idle one with 2
processors and 23 GB of memory, in one run of three and a half minutes:

    batch of 1,000         2.4 times the ceiling of single transactions signed beforehand; aim 3: missed
    batch of 10,000        2.1 times that ceiling; aim 3: missed
    single posting         0.46 of that ceiling; aim 0.3
    opening among 1,000    2.9 times the same bytes unverified; aim 3
    opening among 100,000  2.9 times
    opening, flat          0.98 times as long among 100,000 records and consents as among 1,000; aim 1.25
    index rebuild          11,400 events a second, 201,258 in all; aim 5,000

Batches are bound by processor time, of which a record takes 112 to 125 µs in all processes together, and a single
transaction 273 to 289 µs. The ceiling sinks as a chain grows, since anvil hashes its whole state for each block: so
each size of batch has a new chain, where the ceiling is highest.

To repeat one of them: `python -m scripts.bench --only batches --rounds 9 --json figures.json`; the file has every
sample. Opening fills a chain with 200,000 acts first, for which anvil takes 3 GB of memory.
"""
