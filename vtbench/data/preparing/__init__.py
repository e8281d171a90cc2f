"""From a decoded image to what a model sees and is scored against: named, versioned rules.

In goes ``uint8`` of any size; out comes ``uint8 [3,H,W]`` of the task's size.
"""
