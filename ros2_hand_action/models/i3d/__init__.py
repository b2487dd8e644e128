"""I3D's checkpoint read without unpickling it, and written out as ONNX."""

I3D_CONVERTER_VERSION = 1
"""Raised with every change of the written graph: older conversions are then redone."""
