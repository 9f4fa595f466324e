"""Models for other machines: TensorFlow Lite, Coral's Edge TPU, K210 and ONNX; and looking into anybody's."""
