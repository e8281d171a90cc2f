"""ImageReward: its network on transformers' BLIP, its published file by that network's names, and the metric."""
