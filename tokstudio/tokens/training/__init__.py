"""Training of tokenizers, in a process that can be ended at any moment."""
