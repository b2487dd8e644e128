"""Learning gesture classifiers from pictures, and measuring them: free of ROS."""
