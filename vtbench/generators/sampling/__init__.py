"""From logits to tokens: filters and draws that no other sample can change."""
