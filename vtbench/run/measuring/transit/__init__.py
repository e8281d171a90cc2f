"""Batches on their way: images to the device, and what was asked of it back to the host.

In go tensors of either; out come tensors of the other, filled once :class:`~.transfers.Transfers` says so.
"""
