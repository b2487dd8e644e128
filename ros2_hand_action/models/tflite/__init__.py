"""TensorFlow Lite models read and written out as ONNX, without TensorFlow."""

CONVERTER_VERSION = 2
"""Raised with every change of the written graphs: older conversions are then redone."""
