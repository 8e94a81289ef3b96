"""Throughput and latency, each measured beside a baseline of the same run: `python -m scripts.bench`."""
