"""One file adds one entry: every module in this folder is found by itself."""
