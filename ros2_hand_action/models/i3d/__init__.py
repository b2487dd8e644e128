"""I3D's checkpoint read without unpickling it, and written out as ONNX."""

I3D_CONVERTER_VERSION = 2
"""Raised with every change of the written graph: older conversions are then redone."""
