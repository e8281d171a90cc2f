"""FlowMo's tokenizers, whose decoder samples by a rectified flow. The tokenizer is in ``adapter``."""
