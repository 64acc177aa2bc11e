"""What the views Translate and Corpus of the Compare page are made of."""
