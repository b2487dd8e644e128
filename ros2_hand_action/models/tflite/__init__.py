"""TensorFlow Lite models read and written out as ONNX, without TensorFlow."""
