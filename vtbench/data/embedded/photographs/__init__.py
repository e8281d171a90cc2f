"""Real photographs out of the scikit-image and scikit-learn packages: whole, in crops, and labelled."""
