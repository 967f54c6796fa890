"""The fault machine: breaks a running site at random moments, and compares what everybody saw with what is stored.

``python -m tests.faults.machine --runs 200 --seed 1`` prints the table of docs/reliability.md.
"""
