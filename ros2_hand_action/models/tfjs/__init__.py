"""Frozen models of TensorFlow.js read and written out as ONNX, without TensorFlow."""

TFJS_CONVERTER_VERSION = 1
"""Raised with every change of the written graphs: older conversions are then redone."""
