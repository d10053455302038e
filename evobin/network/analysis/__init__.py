"""What is inside a network: channels, firing rates, answers that hang on one flip."""
