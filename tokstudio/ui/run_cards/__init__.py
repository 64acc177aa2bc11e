"""The parts of the Runs page beside its charts."""
