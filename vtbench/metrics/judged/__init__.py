"""Scores that a judge gave images of prompts: means by prompt and by tag, with intervals over prompts.

In go values that some judge gave, with the prompt and the tag of each; out come estimates. No judge runs here.
"""
