"""The cards of the Vocabulary page."""
