"""Where the models come from: catalogue, fetching, conversion. Nothing here imports ROS."""
