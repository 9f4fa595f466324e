"""Slow, obvious NumPy twins of the kernels, written from the papers and the headers. Never shipped."""
