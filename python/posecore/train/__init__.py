"""Networks that give PoseNet heads. Needs the extra `train` (Keras), and nothing of it at import."""
