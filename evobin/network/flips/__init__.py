"""One network on a batch of samples, exact under flips."""
