"""The gas instrument: what every act on the ledger costs, beside what it has to cost, and what a study makes of it.

>>> floor(calldata, Rules(reads=2, created=1, logs=(Log(topics=3, data=32),))).total
46958
"""
