"""A whole invocation of ``vtbench run`` as one value: read from a YAML file, overridden by flags, written, planned.

In goes text that somebody sent; out comes a frozen :class:`~vtbench.run.config.schema.RunConfig`, or a planned session.
Nothing but ``planning`` imports torch.
"""
