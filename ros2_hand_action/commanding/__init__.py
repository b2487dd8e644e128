"""Gestures into commands for a robot, and all reasons to stop; free of ROS."""
