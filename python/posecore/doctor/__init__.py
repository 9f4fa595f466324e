"""What is behind `posecore doctor`: what is installed and works, and how a stranger's model wants to be read."""
