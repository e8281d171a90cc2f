"""What fitting any network takes: batches that follow from a seed and a step, a schedule, and a state to go on from.

In: counts, seeds, modules, optimisers. Out: indices, shares of a rate, arrays. It knows no network and no data;
probes (:mod:`vtbench.run.probing`) and the reference zoo (:mod:`vtbench.zoo`) stand on it.
"""
