"""How several losses become one step. One file adds one way: every module in this folder is found by itself."""
