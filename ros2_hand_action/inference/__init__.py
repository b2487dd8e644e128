"""Neural networks as sessions with named inputs and outputs. Nothing here imports ROS."""
