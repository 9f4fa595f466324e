"""Scores of poses against the truth: COCO's numbers to the last bit, and why they are what they are."""
