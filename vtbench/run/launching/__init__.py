"""Runs on more machines than this one: workers of Ray, of SLURM, or processes of torchrun.

In goes an invocation, which is names and numbers; each worker plans it again, and must meet the same jobs.
"""
