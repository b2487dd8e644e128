"""Switches the replay tests on for this folder; in a project of yours this is the topmost one."""

pytest_plugins = ['ros2_hand_action.replay.pytest_plugin']
