"""Networks that come as a graph of TensorFlow's operations: a description and constants in, outputs by name out."""
