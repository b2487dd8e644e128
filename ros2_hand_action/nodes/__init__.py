"""The ROS shell: thin nodes around the perception package."""
