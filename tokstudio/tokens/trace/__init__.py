"""How a tokenizer came to its tokens, step by step. Every trace ends in exactly the ids that the library gives.

pipeline(tokenizer, text)        normalizer, pre-tokenizer, model, post-processor, with byte ranges
merge_tree(tokenizer, piece)     which merges made the tokens of a piece (BPE)
lattice(tokenizer, piece)        the paths through a piece and their scores (Unigram)
longest_match(tokenizer, piece)  what was tried at each place (WordPiece)
round_trip(tokenizer, encoding)  does decoding give the text again, and where not
"""
