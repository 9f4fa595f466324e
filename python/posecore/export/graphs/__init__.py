"""Model files of every format as one representation, and what can be told from it; nothing in a file is ever run."""
