"""Many texts, any number of tokenizers: how well does each do, on which language, and which words are to blame.

read     pieces of text out of files, folders, JSON lines, Parquet and Arrow, never more than a few in memory
worker   a process that encodes pieces with every tokenizer and counts
words    how tokenizers cut the words of a piece
tally    the counts of all pieces, and the figures that come out of them
causes   the words, tokens or groups behind a figure
run      reads, lets every core count, adds up
report   the result as JSON, CSV, Markdown, LaTeX
job      the same in a process of its own, for the window
"""
