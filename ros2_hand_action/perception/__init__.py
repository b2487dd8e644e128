"""What is seen in an image. Nothing here imports ROS."""
