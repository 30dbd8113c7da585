"""The bench: ratios against the least that could do the same work, measured side by side in one run.

    make bench                              1,000,000 people, twenty to thirty minutes
    make bench QUICK=1                      100,000 people, under two minutes
    make bench BASE=bench/out/full.json     also what has changed since that run

    python -m bench --only reads,lists --reuse DIR    some parts, and people who are there already the next time

    python -m bench.footprint DIR   bytes for each person, bytes of log for each kind of work (docs/scale.md)
    python -m bench.scale           what other numbers of people take, calculated from the measured ones

Everything listens on loopback and works in a temporary folder. Nothing here belongs to the test suite.
"""
